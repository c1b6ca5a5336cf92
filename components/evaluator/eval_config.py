"""The stock Evaluator's configuration: what it measures, on which slices, and what a model must be to be blessed."""

import json
import sys
from typing import Final

from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.config import EvaluatorConfig, Threshold
from components.features import LABEL, LOSSES
from components.source_digest import source_digest

SIGNATURE: Final = "evaluate"

_METRICS_MODULE = "components.evaluator.metrics"


def build_eval_config(config: EvaluatorConfig) -> config_pb2.EvalConfig:
    """Builds the `eval_config` of `tfx.components.Evaluator`.

    The Evaluator reads raw tf.Examples, calls the model's `evaluate` signature, and adds the baseline itself if there is one.
    Every loss must be finite, whether `config` has a threshold for it or not. That also gives TFMA a threshold to check where
    there is no baseline: it drops change thresholds then, and where none is left the Evaluator blesses nothing at all, so that
    the first model would never be.

    Args:
      config: Slices and thresholds. Thresholds are on the whole split, never on a slice. Where the examples have no label,
        TFMA makes no slices by it.

    Returns:
      An EvalConfig (`tfma.EvalConfig`) with the four losses of `components.features.LOSSES` and `example_count`.
    """
    digest = source_digest(_METRICS_MODULE)
    metrics = [_metric(name, config.thresholds.get(name, Threshold()), digest) for name in LOSSES]
    slices = [config_pb2.SlicingSpec()]
    if config.slice_by_label:
        slices.append(config_pb2.SlicingSpec(feature_keys=[LABEL]))
    return config_pb2.EvalConfig(
        # Without model_type TFMA tries to load the model as a Keras 2 model first.
        model_specs=[config_pb2.ModelSpec(signature_name=SIGNATURE, model_type="tf_generic")],
        slicing_specs=slices,
        metrics_specs=[config_pb2.MetricsSpec(metrics=[*metrics, config_pb2.MetricConfig(class_name="ExampleCount")])],
    )


def _metric(name: str, threshold: Threshold, digest: str) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name="MeanLoss",
        module=_METRICS_MODULE,
        # The digest is here because the Evaluator's cache key holds the EvalConfig, but not the code that it names.
        config=json.dumps({"name": name, "source_digest": digest}),
        # MetricConfig.threshold would hold for every digit too.
        per_slice_thresholds=[
            config_pb2.PerSliceMetricThreshold(slicing_specs=[config_pb2.SlicingSpec()], threshold=_to_tfma(threshold))
        ],
    )


def _to_tfma(threshold: Threshold) -> config_pb2.MetricThreshold:
    """Translates a threshold; a missing bound becomes the largest finite number, which NaN and infinity do not keep to."""
    tfma = config_pb2.MetricThreshold()
    tfma.value_threshold.lower_bound.value = -sys.float_info.max if threshold.lower is None else threshold.lower
    tfma.value_threshold.upper_bound.value = sys.float_info.max if threshold.upper is None else threshold.upper
    if threshold.worsening is not None:
        tfma.change_threshold.direction = config_pb2.LOWER_IS_BETTER
        # Not `relative`: TFMA divides by the baseline, and the KL divergence of an autoencoder is 0.
        tfma.change_threshold.absolute.value = threshold.worsening
    return tfma
