"""Whether a model was blessed, why not, and its metrics: read from a ModelEvaluation artifact, without TensorFlow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.evaluator.tfma_files import read_metrics, read_validation
from components.features import LABEL

_BASELINE = "baseline"


@dataclass(frozen=True)
class Verdict:
    """What the Evaluator found.

    Attributes:
      metrics: Over the whole split, by name: the losses in nats per image, `squared_error`, and `example_count`.
      metrics_by_label: The same for each label; empty if the Evaluator did not slice.
      baseline_metrics: Those of the latest blessed model on the same split; empty if there was none.
      blessed: Whether every threshold was kept.
      reasons: Why not: one sentence, without a full stop, for each threshold that was not kept.
    """

    metrics: Mapping[str, float]
    metrics_by_label: Mapping[int, Mapping[str, float]]
    baseline_metrics: Mapping[str, float]
    blessed: bool
    reasons: tuple[str, ...]


def read_verdict(evaluation: Path) -> Verdict:
    """Reads the directory of a ModelEvaluation artifact.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    metrics: dict[str, float] = {}
    metrics_by_label: dict[int, dict[str, float]] = {}
    baseline_metrics: dict[str, float] = {}
    for of_slice in read_metrics(evaluation):
        label = _label(of_slice.slice_key)
        for item in of_slice.metric_keys_and_values:
            if item.key.is_diff:
                continue
            is_baseline = item.key.model_name == _BASELINE
            if label is None:
                (baseline_metrics if is_baseline else metrics)[item.key.name] = item.value.double_value.value
            elif not is_baseline:
                metrics_by_label.setdefault(label, {})[item.key.name] = item.value.double_value.value
    validation = read_validation(evaluation)
    return Verdict(
        metrics=metrics,
        metrics_by_label=dict(sorted(metrics_by_label.items())),
        baseline_metrics=baseline_metrics,
        blessed=validation is not None and validation.validation_ok,
        reasons=_reasons(validation, metrics, baseline_metrics),
    )


def read_means(evaluation: Path) -> dict[str, float]:
    """Reads of a ModelEvaluation no more than `Verdict.metrics`, in less than half of the time.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    means: dict[str, float] = {}
    for of_slice in read_metrics(evaluation):
        if _label(of_slice.slice_key) is None:
            for item in of_slice.metric_keys_and_values:
                if not item.key.is_diff and item.key.model_name != _BASELINE:
                    means[item.key.name] = item.value.double_value.value
    return means


def _label(slice_key: Any) -> int | None:
    """The label of a slice, or None for the whole split."""
    return next((single.int64_value for single in slice_key.single_slice_keys if single.column == LABEL), None)


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
    if not failure.HasField("metric_value"):
        return f"{name} was not computed"
    value = metrics.get(name, math.nan)
    if not math.isfinite(value):
        return f"{name} is {value}, which is not a finite number"
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        return _worsening_sentence(name, value, baseline[name], threshold.change_threshold.absolute.value)
    bounds = threshold.value_threshold
    if value < bounds.lower_bound.value:
        value_text, bound_text = _distinct(value, bounds.lower_bound.value)
        return f"{name} {value_text} is below its lower bound {bound_text}"
    value_text, bound_text = _distinct(value, bounds.upper_bound.value)
    return f"{name} {value_text} is above its upper bound {bound_text}"


def _worsening_sentence(name: str, value: float, baseline: float, allowed: float) -> str:
    more, allowed_text = _distinct(value - baseline, allowed)
    value_text, baseline_text = _distinct(value, baseline)
    return (
        f"{name} {value_text} is {more} above the latest blessed model's {baseline_text}, more than the {allowed_text} allowed"
    )


def _distinct(first: float, second: float) -> tuple[str, str]:
    """Both with as few decimals, at least one, as it takes to tell them apart."""
    for decimals in range(1, 10):
        texts = f"{first:.{decimals}f}", f"{second:.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)
