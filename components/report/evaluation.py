"""What the Evaluator found: metrics of the model and of the one before it, and the thresholds that it was judged by."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.artifacts.verdict import read_verdict

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """A ModelEvaluation artifact.

    Attributes:
      metrics: Over the whole test split, by name.
      metrics_by_label: The same for each label; empty if the Evaluator did not slice.
      baseline: Those of the latest blessed model; empty if there was none.
      baseline_by_label: The same for each label.
      thresholds: By metric, what it had to be, as inequalities; only metrics that were limited.
      blessed: Whether every threshold was kept.
      reasons: Why not: one sentence, without a full stop, for each threshold that was not kept.
    """

    metrics: Metrics
    metrics_by_label: Mapping[int, Metrics]
    baseline: Metrics
    baseline_by_label: Mapping[int, Metrics]
    thresholds: Mapping[str, str]
    blessed: bool
    reasons: tuple[str, ...]


def read_evaluation(directory: Path) -> Evaluation:
    """Reads the directory of a ModelEvaluation artifact.

    Raises:
      FileNotFoundError: If it holds no metrics.
      ValueError: If a file is truncated.
    """
    verdict = read_verdict(directory)
    return Evaluation(
        metrics=verdict.metrics,
        metrics_by_label=verdict.metrics_by_label,
        baseline=verdict.baseline_metrics,
        baseline_by_label=verdict.baseline_by_label,
        thresholds=dict(_thresholds(directory / "eval_config.json")),
        blessed=verdict.blessed,
        reasons=verdict.reasons,
    )


def _thresholds(path: Path) -> Iterator[tuple[str, str]]:
    """From the EvalConfig that TFMA wrote beside the metrics: what was applied, whatever the configuration says today."""
    if not path.is_file():
        return
    config = json.loads(path.read_text(encoding="utf-8"))
    for spec in config.get("evalConfig", {}).get("metricsSpecs", []):
        for metric in spec.get("metrics", []):
            name = json.loads(metric.get("config") or "{}").get("name", "")
            thresholds = [metric.get("threshold"), *(part.get("threshold") for part in metric.get("perSliceThresholds", []))]
            bounds = list(dict.fromkeys(bound for threshold in thresholds if threshold for bound in _bounds(threshold)))
            if name and bounds:
                yield name, ", ".join(bounds)


def _bounds(threshold: Mapping[str, Any]) -> Iterator[str]:
    values = threshold.get("valueThreshold", {})
    lower, upper = values.get("lowerBound"), values.get("upperBound")
    # The largest finite number stands for: any number, but not NaN. See components/evaluator/eval_config.py.
    if lower is not None and lower > -sys.float_info.max:
        yield f"≥ {lower:g}"
    if upper is not None and upper < sys.float_info.max:
        yield f"≤ {upper:g}"
    change = threshold.get("changeThreshold", {})
    if "absolute" in change:
        yield (
            f"≤ blessed + {change['absolute']:g}"
            if change.get("direction") != "HIGHER_IS_BETTER"
            else (f"≥ blessed - {abs(change['absolute']):g}")
        )
