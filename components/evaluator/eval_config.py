"""The stock Evaluator's configuration: what it measures, on which slices, and what a model must be to be blessed."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final, get_args

from tensorflow_model_analysis.proto import config_pb2
from tfx.dsl.placeholder import placeholder
from tfx.types import BaseChannel
from tfx.utils import proto_utils

from components.artifacts.features import KL_PER_DIMENSION, LABEL, LOSSES
from components.artifacts.signature_names import EVALUATE
from components.evaluator.config import HIGHER_IS_BETTER, EvaluatorConfig, MetricName, Threshold
from components.source_digest import source_digest

USER_FUNCTIONS: Final = "components.evaluator.user_functions"
"""The Evaluator's parameter `module_path`."""

_METRICS = "components.evaluator.metrics"
_SAMPLE_METRICS = "components.evaluator.sample_metrics"
_CLASSES: Final = {
    "active_units": (_METRICS, "ActiveUnits"),
    "iw_nll": (_METRICS, "ImportanceWeightedNll"),
    "binarized/iw_nll": (_METRICS, "ImportanceWeightedNll"),
    "mutual_information": (_SAMPLE_METRICS, "MutualInformation"),
    "marginal_kl": (_SAMPLE_METRICS, "MarginalKl"),
    "latent_gaussianity": (_SAMPLE_METRICS, "LatentGaussianity"),
    "latent_probe_accuracy/linear": (_SAMPLE_METRICS, "LatentProbeAccuracy"),
    "latent_probe_accuracy/knn": (_SAMPLE_METRICS, "LatentProbeAccuracy"),
    "frechet_distance": (_SAMPLE_METRICS, "FrechetDistance"),
}
_LATER: Final = "@classifier@"


def eval_config_with_classifier(config: EvaluatorConfig, classifier: BaseChannel) -> Any:
    """The `eval_config` where the classifier's directory is not known before the pipeline runs.

    Args:
      config: As for `build_eval_config`.
      classifier: FeatureClassifier's output.

    Returns:
      A placeholder, which TFX fills in before it starts the Evaluator; the classifier becomes one of its inputs.
    """
    before, after = proto_utils.proto_to_json(build_eval_config(config, _LATER)).split(_LATER)
    return placeholder.join([before, classifier.future()[0].uri, after])


def build_eval_config(config: EvaluatorConfig, classifier: str = "") -> config_pb2.EvalConfig:
    """Builds the `eval_config` of `tfx.components.Evaluator`.

    The Evaluator reads raw tf.Examples, calls the model's `evaluate` signature, and adds the baseline itself if there is one.
    Every loss must be finite, whether `config` has a threshold for it or not. That also gives TFMA a threshold to check where
    there is no baseline: it drops change thresholds then, and where none is left the Evaluator blesses nothing at all, so that
    the first model would never be.

    Args:
      config: Metrics, slices and thresholds. Thresholds are on the whole split, never on a slice. Where the examples have no
        label, TFMA makes no slices by it.
      classifier: Directory of the classifier for the Fréchet distance, which is left out without one.

    Returns:
      An EvalConfig (`tfma.EvalConfig`) with every metric that `config` asks for, `kl_per_dimension` and `example_count`.
    """
    # The digest is here because the Evaluator's cache key holds the EvalConfig, but not the code that it names.
    digest = source_digest("components.evaluator", "components.models", "components.feature_classifier")
    metrics = [*_metrics(config, classifier, digest), config_pb2.MetricConfig(class_name="ExampleCount")]
    slices = [config_pb2.SlicingSpec()]
    if config.slice_by_label:
        slices.append(config_pb2.SlicingSpec(feature_keys=[LABEL]))
    return config_pb2.EvalConfig(
        # Without model_type TFMA tries to load the model as a Keras 2 model first.
        model_specs=[config_pb2.ModelSpec(signature_name=EVALUATE, model_type="tf_generic")],
        slicing_specs=slices,
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _metrics(config: EvaluatorConfig, classifier: str, digest: str) -> Iterator[config_pb2.MetricConfig]:
    names: tuple[MetricName, ...] = get_args(MetricName)
    for name in names:
        if not config.measures(name) or (name == "frechet_distance" and not classifier):
            continue
        module, class_name = _CLASSES.get(name, (_METRICS, "MeanLoss"))
        arguments = {"name": name, **_arguments(name, config, classifier), "source_digest": digest}
        metric = config_pb2.MetricConfig(class_name=class_name, module=module, config=json.dumps(arguments))
        threshold = config.thresholds.get(name, Threshold() if name in LOSSES else None)
        if threshold is not None:
            # MetricConfig.threshold would hold for every digit too.
            metric.per_slice_thresholds.add(
                slicing_specs=[config_pb2.SlicingSpec()], threshold=_to_tfma(threshold, name in HIGHER_IS_BETTER)
            )
        yield metric
    per_dimension = {"name": KL_PER_DIMENSION, "source_digest": digest}
    yield config_pb2.MetricConfig(class_name="KlPerDimension", module=_METRICS, config=json.dumps(per_dimension))


def _arguments(name: MetricName, config: EvaluatorConfig, classifier: str) -> dict[str, Any]:
    """Of the metric's class, beyond its name."""
    if name.endswith("iw_nll"):
        return {"samples": config.importance_weighted.samples, "images": config.importance_weighted.images}
    if name == "frechet_distance":
        return {"images": config.frechet_distance.images, "classifier": classifier}
    if name in _CLASSES and _CLASSES[name][0] == _SAMPLE_METRICS:
        return {"images": config.latent_space.images}
    return {}


def _to_tfma(threshold: Threshold, higher_is_better: bool) -> config_pb2.MetricThreshold:
    """Translates a threshold; a missing bound becomes the largest finite number, which NaN and infinity do not keep to."""
    tfma = config_pb2.MetricThreshold()
    tfma.value_threshold.lower_bound.value = -sys.float_info.max if threshold.lower is None else threshold.lower
    tfma.value_threshold.upper_bound.value = sys.float_info.max if threshold.upper is None else threshold.upper
    if threshold.worsening is not None:
        # Not `relative`: TFMA divides by the baseline, and the KL divergence of an autoencoder is 0.
        tfma.change_threshold.direction = config_pb2.HIGHER_IS_BETTER if higher_is_better else config_pb2.LOWER_IS_BETTER
        tfma.change_threshold.absolute.value = -threshold.worsening if higher_is_better else threshold.worsening
    return tfma
