"""Whether a model was blessed, why not, and its metrics: read from a ModelEvaluation artifact, without TensorFlow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.artifacts.features import KL_PER_DIMENSION
from components.artifacts.metric_values import MetricValue, read_values
from components.artifacts.tfma_files import read_validation


@dataclass(frozen=True)
class Verdict:
    """What the Evaluator found; docs/metrics.md says what the metrics are.

    Attributes:
      metrics: Over the whole split, by name, and `example_count`.
      metrics_by_label: The same for each label, but for those that have no meaning there; empty if the Evaluator did not slice.
      kl_per_dimension: Over the whole split, nats per image of each latent dimension; empty if the model did not say.
      kl_per_dimension_by_label: The same for each label.
      baseline_metrics: Those of the latest blessed model on the same split; empty if there was none.
      baseline_by_label: The same for each label.
      blessed: Whether every threshold was kept.
      reasons: Why not: one sentence, without a full stop, for each threshold that was not kept.
    """

    metrics: Mapping[str, float]
    metrics_by_label: Mapping[int, Mapping[str, float]]
    kl_per_dimension: tuple[float, ...]
    kl_per_dimension_by_label: Mapping[int, tuple[float, ...]]
    baseline_metrics: Mapping[str, float]
    baseline_by_label: Mapping[int, Mapping[str, float]]
    blessed: bool
    reasons: tuple[str, ...]


def read_verdict(evaluation: Path) -> Verdict:
    """Reads the directory of a ModelEvaluation artifact.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    values = list(read_values(evaluation))
    candidate = _by_slice([value for value in values if not value.is_baseline])
    baseline = _by_slice([value for value in values if value.is_baseline])
    metrics, baseline_metrics = candidate.pop(None, {}), baseline.pop(None, {})
    kl_per_dimension = _kl_per_dimension([value for value in values if not value.is_baseline])
    validation = read_validation(evaluation)
    return Verdict(
        metrics=metrics,
        metrics_by_label={label: found for label, found in sorted(candidate.items()) if label is not None},
        kl_per_dimension=kl_per_dimension.pop(None, ()),
        kl_per_dimension_by_label={label: found for label, found in sorted(kl_per_dimension.items()) if label is not None},
        baseline_metrics=baseline_metrics,
        baseline_by_label={label: found for label, found in sorted(baseline.items()) if label is not None},
        blessed=validation is not None and validation.validation_ok,
        reasons=_reasons(validation, metrics, baseline_metrics),
    )


def read_means(evaluation: Path) -> dict[str, float]:
    """Reads of a ModelEvaluation no more than `Verdict.metrics`, in less than half of the time.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    return _by_slice([value for value in read_values(evaluation) if not value.is_baseline]).get(None, {})


def _by_slice(values: list[MetricValue]) -> dict[int | None, dict[str, float]]:
    found: dict[int | None, dict[str, float]] = {}
    for value in values:
        if value.dimension is None:
            found.setdefault(value.label, {})[value.name] = value.value
    return found


def _kl_per_dimension(values: list[MetricValue]) -> dict[int | None, tuple[float, ...]]:
    found: dict[int | None, dict[int, float]] = {}
    for value in values:
        if value.name == KL_PER_DIMENSION and value.dimension is not None:
            found.setdefault(value.label, {})[value.dimension] = value.value
    return {label: tuple(value for _, value in sorted(by_dimension.items())) for label, by_dimension in found.items()}


def _reasons(validation: Any | None, metrics: Mapping[str, float], baseline: Mapping[str, float]) -> tuple[str, ...]:
    if validation is None:
        return ("no threshold was configured",)
    failures = [failure for of_slice in validation.metric_validations_per_slice for failure in of_slice.failures]
    # A value that is not a number also fails to be close to the baseline's: said once is enough.
    sentences = dict.fromkeys(_sentence(failure, metrics, baseline) for failure in failures)
    if validation.missing_slices and not sentences:
        return ("there was no example to evaluate",)
    return tuple(sentences)


def _sentence(failure: Any, metrics: Mapping[str, float], baseline: Mapping[str, float]) -> str:
    name = failure.metric_key.name
    if failure.metric_key.is_diff and name in metrics and name not in baseline:
        return (
            f"{name} cannot be compared with the latest blessed model, which does not say it: leave worsening out of "
            f"evaluator.thresholds.{name} until a newer model is blessed"
        )
    if not failure.HasField("metric_value"):
        return f"{name} was not computed: this model, or this data, does not have it"
    value = metrics.get(name, math.nan)
    if not math.isfinite(value):
        return f"{name} is {value}, which is not a finite number"
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        return _worsening_sentence(name, value, baseline[name], abs(threshold.change_threshold.absolute.value))
    bounds = threshold.value_threshold
    if value < bounds.lower_bound.value:
        value_text, bound_text = _distinct(value, bounds.lower_bound.value)
        return f"{name} {value_text} is below its lower bound {bound_text}"
    value_text, bound_text = _distinct(value, bounds.upper_bound.value)
    return f"{name} {value_text} is above its upper bound {bound_text}"


def _worsening_sentence(name: str, value: float, baseline: float, allowed: float) -> str:
    difference, allowed_text = _distinct(abs(value - baseline), allowed)
    value_text, baseline_text = _distinct(value, baseline)
    side = "above" if value > baseline else "below"
    return (
        f"{name} {value_text} is {difference} {side} the latest blessed model's {baseline_text}, "
        f"more than the {allowed_text} allowed"
    )


def _distinct(first: float, second: float) -> tuple[str, str]:
    """Both with as few decimals, at least one, as it takes to tell them apart."""
    for decimals in range(1, 10):
        texts = f"{first:.{decimals}f}", f"{second:.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)
