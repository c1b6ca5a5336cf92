"""A ModelEvaluation artifact: metrics, thresholds, whether the model was blessed and why not. Reads it without TensorFlow."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from components.artifacts.features import KL_PER_DIMENSION, LABEL, LOSSES
from components.artifacts.metrics import BASELINE, MEAN_DIFFERENCE, STANDARD_ERROR, WORSENING
from components.artifacts.tfma_files import read_metrics, read_validation

_CONFIG_FILE: Final = "eval_config.json"


class MetricValue(NamedTuple):
    """One metric of one model on one slice."""

    name: str
    value: float
    label: int | None
    """The label of the slice; None for the whole split."""
    is_baseline: bool
    """Whether it belongs to the champion."""
    dimension: int | None
    """The latent dimension, for a metric that has a value for each dimension; None for other metrics."""


class Difference(NamedTuple):
    """The paired difference of a metric: candidate minus champion for the same image."""

    mean: float
    standard_error: float
    """Of that mean; NaN for one image."""

    def __str__(self) -> str:
        return f"{self.mean:+.2f} ± {self.standard_error:.2f}"


@dataclass(frozen=True)
class Evaluation:
    """A ModelEvaluation artifact; docs/metrics.md describes the metrics.

    Attributes:
      metrics: Over the whole split, by name, and `example_count`.
      metrics_by_label: The same for each label, if it has a meaning there; empty if the Evaluator did not slice.
      kl_per_dimension: Over the whole split, nats per image of each latent dimension; empty if the model has none.
      kl_per_dimension_by_label: The same for each label.
      baseline: The metrics of the champion on the same split; empty if there was none.
      baseline_by_label: The same for each label.
      differences: How much the metrics differ from the champion's, by metric, where each image has a value.
      thresholds: The bounds that were applied, by metric, as inequalities: `≤ 110, ≤ champion + 0.5`.
      blessed: Whether every threshold holds.
      reasons: Why not: one sentence, without a full stop, for each threshold that does not hold.
    """

    metrics: Mapping[str, float]
    metrics_by_label: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    kl_per_dimension: tuple[float, ...] = ()
    kl_per_dimension_by_label: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    baseline_by_label: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    thresholds: Mapping[str, str] = field(default_factory=dict)
    blessed: bool = False
    reasons: tuple[str, ...] = ()


def read_evaluation(directory: Path) -> Evaluation:
    """Reads the directory of a ModelEvaluation artifact.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    values, compared = _apart(read_values(directory))
    differences = _differences(compared)
    candidate = _by_slice([value for value in values if not value.is_baseline])
    baseline = _by_slice([value for value in values if value.is_baseline])
    metrics, baseline_metrics = candidate.pop(None, {}), baseline.pop(None, {})
    kl_per_dimension = _kl_per_dimension([value for value in values if not value.is_baseline])
    validation = read_validation(directory)
    return Evaluation(
        metrics=metrics,
        metrics_by_label={label: found for label, found in sorted(candidate.items()) if label is not None},
        kl_per_dimension=kl_per_dimension.pop(None, ()),
        kl_per_dimension_by_label={label: found for label, found in sorted(kl_per_dimension.items()) if label is not None},
        baseline=baseline_metrics,
        baseline_by_label={label: found for label, found in sorted(baseline.items()) if label is not None},
        differences=differences,
        thresholds=_thresholds(directory / _CONFIG_FILE),
        blessed=validation is not None and validation.validation_ok,
        reasons=_reasons(validation, metrics, baseline_metrics, differences, directory / _CONFIG_FILE),
    )


def read_means(evaluation: Path) -> dict[str, float]:
    """Reads only `Evaluation.metrics`, in less than half of the time.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    values, _ = _apart(read_values(evaluation))
    return _by_slice([value for value in values if not value.is_baseline]).get(None, {})


def read_values(evaluation: Path) -> Iterator[MetricValue]:
    """Reads the directory of a ModelEvaluation artifact, in no particular order.

    TFMA's own differences between the two models are left out, and values without a meaning (the accuracy on one label).

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    for of_slice in read_metrics(evaluation):
        label = _label(of_slice.slice_key)
        for item in of_slice.metric_keys_and_values:
            value = MetricValue(
                item.key.name,
                item.value.double_value.value,
                label,
                item.key.model_name == BASELINE,
                item.key.sub_key.class_id.value if item.key.HasField("sub_key") else None,
            )
            if not item.key.is_diff and not _is_undefined(value):
                yield value


def _apart(values: Iterable[MetricValue]) -> tuple[list[MetricValue], list[MetricValue]]:
    """The metrics of one model, and those that compare two."""
    apart: tuple[list[MetricValue], list[MetricValue]] = ([], [])
    for value in values:
        apart[value.name.endswith((MEAN_DIFFERENCE, STANDARD_ERROR, WORSENING))].append(value)
    return apart


def _differences(values: Iterable[MetricValue]) -> dict[str, Difference]:
    """Over the whole split."""
    found = {value.name: value.value for value in values if value.label is None}
    return {
        (metric := name.removesuffix(MEAN_DIFFERENCE)): Difference(mean, found.get(metric + STANDARD_ERROR, math.nan))
        for name, mean in found.items()
        if name.endswith(MEAN_DIFFERENCE)
    }


def _label(slice_key: Any) -> int | None:
    return next((single.int64_value for single in slice_key.single_slice_keys if single.column == LABEL), None)


def _is_undefined(value: MetricValue) -> bool:
    """TFMA needs every metric with a threshold on every slice: it is NaN where it has no meaning. A loss always has one."""
    return math.isnan(value.value) and value.label is not None and value.name not in LOSSES


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


def _thresholds(path: Path) -> dict[str, str]:
    """Reads the EvalConfig that TFMA writes beside the metrics: the bounds that were applied, whatever the settings are now."""
    found: dict[str, list[str]] = {}
    for metric, settings in _configured(path):
        thresholds = [metric.get("threshold"), *(part.get("threshold") for part in metric.get("perSliceThresholds", []))]
        bounds = [bound for threshold in thresholds if threshold for bound in _bounds(threshold, settings)]
        if (name := settings.get("name", "").removesuffix(WORSENING)) and bounds:
            found.setdefault(name, []).extend(bounds)
    return {name: ", ".join(dict.fromkeys(bounds)) for name, bounds in found.items()}


def _configured(path: Path) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each metric of the EvalConfig, and the arguments of its class."""
    if path.is_file():
        config = json.loads(path.read_text(encoding="utf-8"))
        for spec in config.get("evalConfig", {}).get("metricsSpecs", []):
            for metric in spec.get("metrics", []):
                yield metric, json.loads(metric.get("config") or "{}")


def _bounds(threshold: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    values = threshold.get("valueThreshold", {})
    lower, upper = values.get("lowerBound"), values.get("upperBound")
    # The largest finite number means any number except NaN: see components/evaluator/eval_config.py.
    if lower is not None and lower > -sys.float_info.max:
        yield f"≥ {lower:g}"
    if upper is not None and upper < sys.float_info.max:
        yield f"≤ {upper:g}"
    change = threshold.get("changeThreshold", {})
    if "absolute" in change:
        is_higher = settings.get("higher_is_better", change.get("direction") == "HIGHER_IS_BETTER")
        sign, amount = ("-" if is_higher else "+"), abs(change["absolute"])
        terms = [f"{amount:g}"] if amount or "standard_errors" not in settings else []
        terms += [f"{settings['standard_errors']:g} SE"] if "standard_errors" in settings else []
        yield f"{'≥' if is_higher else '≤'} champion {sign} {f' {sign} '.join(terms)}"


def _reasons(
    validation: Any | None,
    metrics: Mapping[str, float],
    baseline: Mapping[str, float],
    differences: Mapping[str, Difference],
    config: Path,
) -> tuple[str, ...]:
    if validation is None:
        return ("no threshold was configured",)
    failures = [failure for of_slice in validation.metric_validations_per_slice for failure in of_slice.failures]
    allowed = {
        settings["of"]: settings["standard_errors"] for _, settings in _configured(config) if "standard_errors" in settings
    }
    # A value that is not a number fails two thresholds; one sentence is enough.
    sentences = dict.fromkeys(_sentence(failure, metrics, baseline, differences, allowed) for failure in failures)
    if validation.missing_slices and not sentences:
        return ("there was no example to evaluate",)
    return tuple(sentences)


def _sentence(
    failure: Any,
    metrics: Mapping[str, float],
    baseline: Mapping[str, float],
    differences: Mapping[str, Difference],
    standard_errors: Mapping[str, float],
) -> str:
    name = failure.metric_key.name.removesuffix(WORSENING)
    is_compared = failure.metric_key.is_diff or failure.metric_key.name != name
    if is_compared and name in metrics and name not in baseline:
        return (
            f"{name} cannot be compared with the champion, which does not have it: leave worsening out of "
            f"evaluator.thresholds.{name} until a newer model is blessed"
        )
    if name not in metrics or (not is_compared and not failure.HasField("metric_value")):
        return f"{name} was not computed: this model, or this data, does not have it"
    value = metrics[name]
    if not math.isfinite(value):
        return f"{name} is {value}, which is not a finite number"
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        allowed = abs(threshold.change_threshold.absolute.value)
        if failure.metric_key.name != name:
            return _significant_sentence(name, value, baseline[name], differences.get(name), allowed, standard_errors[name])
        return _worsening_sentence(name, value, baseline[name], allowed)
    bounds = threshold.value_threshold
    if value < bounds.lower_bound.value:
        value_text, bound_text = _distinct(value, bounds.lower_bound.value)
        return f"{name} {value_text} is below its lower bound {bound_text}"
    value_text, bound_text = _distinct(value, bounds.upper_bound.value)
    return f"{name} {value_text} is above its upper bound {bound_text}"


def _significant_sentence(
    name: str, value: float, baseline: float, difference: Difference | None, allowed: float, standard_errors: float
) -> str:
    if difference is None or not math.isfinite(difference.standard_error):
        return f"the standard error of {name} is not defined: it needs two images with a finite value of both models"
    value_text, baseline_text = _distinct(value, baseline)
    side = "above" if value > baseline else "below"
    margin = f"{allowed:g} and {standard_errors:g} standard errors" if allowed else f"{standard_errors:g} standard errors"
    return (
        f"{name} {value_text} is {abs(difference.mean):.3g} ± {difference.standard_error:.2g} {side} the champion's "
        f"{baseline_text}, more than the {margin} allowed"
    )


def _worsening_sentence(name: str, value: float, baseline: float, allowed: float) -> str:
    difference, allowed_text = _distinct(abs(value - baseline), allowed)
    value_text, baseline_text = _distinct(value, baseline)
    side = "above" if value > baseline else "below"
    return f"{name} {value_text} is {difference} {side} the champion's {baseline_text}, more than the {allowed_text} allowed"


def _distinct(first: float, second: float) -> tuple[str, str]:
    """Both numbers as text, with one decimal or as many as are needed to make them different."""
    for decimals in range(1, 10):
        texts = f"{first:.{decimals}f}", f"{second:.{decimals}f}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)
