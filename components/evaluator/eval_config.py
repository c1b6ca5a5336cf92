"""The configuration of the stock Evaluator: metrics, slices and thresholds."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from tensorflow_model_analysis.proto import config_pb2
from tfx.dsl.placeholder import placeholder
from tfx.types import BaseChannel
from tfx.utils import proto_utils

from components.artifacts.features import LABEL, LOSSES, NEGATIVE_ELBO
from components.artifacts.metrics import CATALOGUE, PER_DIMENSION, WORSENING, Better, Group, Metric
from components.artifacts.signature_names import EVALUATE
from components.evaluator.config import EvaluatorConfig, Threshold
from components.source_digest import source_digest

USER_FUNCTIONS: Final = "components.evaluator.user_functions"
"""The Evaluator's parameter `module_path`."""

_EXECUTOR: Final = "components.evaluator.executor"
_METRICS: Final = "components.evaluator.metrics"
_SAMPLE_METRICS: Final = "components.evaluator.sample_metrics"
_LATER: Final = "@classifier@"


def eval_config_with_classifier(config: EvaluatorConfig, classifier: BaseChannel) -> Any:
    """The `eval_config` with the classifier's directory, which is not known before the pipeline runs.

    Args:
      config: As for `build_eval_config`.
      classifier: FeatureClassifier's output.

    Returns:
      A placeholder that TFX resolves before it starts the Evaluator; the classifier becomes one of the Evaluator's inputs.
    """
    first, *others = proto_utils.proto_to_json(build_eval_config(config, _LATER)).split(_LATER)
    uri = classifier.future()[0].uri
    return placeholder.join([first, *(part for other in others for part in (uri, other))])


def build_eval_config(config: EvaluatorConfig, classifier: str = "") -> config_pb2.EvalConfig:
    """Builds the `eval_config` of `tfx.components.Evaluator`.

    The Evaluator reads raw tf.Examples, calls the model's `evaluate` signature, and adds the baseline itself if there is one.
    Every loss must be finite, even if `config` has no threshold for it. TFMA needs such thresholds for the first model: without
    a baseline it ignores change thresholds, and if no threshold remains, the Evaluator never blesses a model.

    Args:
      config: Metrics, slices and thresholds. Thresholds apply to the whole split, never to a slice. If the examples have no
        label, TFMA makes no slices by label.
      classifier: Directory of the classifier in whose features samples are compared with images; empty for no such metrics.

    Returns:
      An EvalConfig (`tfma.EvalConfig`) with every metric that `config` switches on, `kl_per_dimension` and `example_count`.
    """
    # The Evaluator's cache key contains the EvalConfig with these names, but not the code of these modules.
    digest = source_digest(_EXECUTOR, USER_FUNCTIONS, _METRICS, _SAMPLE_METRICS)
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
    for metric in CATALOGUE:
        if not config.measures(metric.name) or (metric.group is Group.FRECHET_DISTANCE and not classifier):
            continue
        built = _metric(metric, digest, **_arguments(metric, config, classifier))
        threshold = config.thresholds.get(metric.name, Threshold() if metric.name in LOSSES else None)
        if threshold is not None:
            # MetricConfig.threshold would also apply to every label.
            built.per_slice_thresholds.add(
                slicing_specs=[config_pb2.SlicingSpec()], threshold=_to_tfma(threshold, metric.better is Better.HIGHER)
            )
        yield built
        if threshold is not None and threshold.standard_errors is not None:
            yield _worsening(metric, digest, threshold)
    yield _metric(PER_DIMENSION, digest)


def _worsening(metric: Metric, digest: str, threshold: Threshold) -> config_pb2.MetricConfig:
    """The metric that is worsening less standard errors, with its limit."""
    arguments = {
        "name": metric.name + WORSENING,
        "of": metric.name,
        "standard_errors": threshold.standard_errors,
        "higher_is_better": metric.better is Better.HIGHER,
        "source_digest": digest,
    }
    built = config_pb2.MetricConfig(class_name="SignificantWorsening", module=_METRICS, config=json.dumps(arguments))
    limit = config_pb2.MetricThreshold()
    limit.change_threshold.direction = config_pb2.LOWER_IS_BETTER
    limit.change_threshold.absolute.value = threshold.worsening or 0.0
    built.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()], threshold=limit)
    return built


def judging_metric(eval_config: config_pb2.EvalConfig) -> str:
    """The metric that says which of two models is better.

    Returns:
      The negative ELBO, unless other metrics have a limit of worsening and it has none: then the first of those.
    """
    names = [
        json.loads(metric.config)["name"].removesuffix(WORSENING)
        for spec in eval_config.metrics_specs
        for metric in spec.metrics
        if any(limited.threshold.HasField("change_threshold") for limited in metric.per_slice_thresholds)
    ]
    return NEGATIVE_ELBO if NEGATIVE_ELBO in names or not names else names[0]


def _metric(metric: Metric, digest: str, **arguments: int | str) -> config_pb2.MetricConfig:
    config = json.dumps({"name": metric.name, **arguments, "source_digest": digest})
    module = _SAMPLE_METRICS if metric.group in (Group.LATENT_SPACE, Group.FRECHET_DISTANCE) else _METRICS
    return config_pb2.MetricConfig(class_name=metric.computed_by, module=module, config=config)


def _arguments(metric: Metric, config: EvaluatorConfig, classifier: str) -> dict[str, int | str]:
    """The arguments of the metric's class, except its name."""
    match metric.group:
        case Group.IMPORTANCE_WEIGHTED:
            return {"samples": config.importance_weighted.samples, "images": config.importance_weighted.images}
        case Group.FRECHET_DISTANCE:
            return {"images": config.frechet_distance.images, "classifier": classifier}
        case Group.LATENT_SPACE:
            return {"images": config.latent_space.images}
    return {}


def _to_tfma(threshold: Threshold, higher_is_better: bool) -> config_pb2.MetricThreshold:
    """Translates a threshold. A missing bound becomes the largest finite number, which NaN and infinity violate."""
    tfma = config_pb2.MetricThreshold()
    tfma.value_threshold.lower_bound.value = -sys.float_info.max if threshold.lower is None else threshold.lower
    tfma.value_threshold.upper_bound.value = sys.float_info.max if threshold.upper is None else threshold.upper
    # With standard errors the metric of `_worsening` has the limit.
    if threshold.worsening is not None and threshold.standard_errors is None:
        # Not `relative`: TFMA divides by the baseline, and the KL divergence of an autoencoder is 0.
        tfma.change_threshold.direction = config_pb2.HIGHER_IS_BETTER if higher_is_better else config_pb2.LOWER_IS_BETTER
        tfma.change_threshold.absolute.value = -threshold.worsening if higher_is_better else threshold.worsening
    return tfma
