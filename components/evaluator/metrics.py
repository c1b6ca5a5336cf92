"""The Evaluator's metrics: means of what the model's `evaluate` signature says about each example.

TFMA's own metrics compare a prediction with a label. Here there is no label to compare with: the model computes its losses
itself, and the metric is their mean over a slice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types


class MeanLoss(metric_types.Metric):
    """The mean over examples of one output of the `evaluate` signature; NaN if any of them is NaN."""

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric from its part of the EvalConfig.

        Args:
          name: The output, one of `components.features.LOSSES`, and the name of the metric.
          source_digest: Of this module. It changes nothing but the EvalConfig, which is part of the Evaluator's cache key.
        """
        super().__init__(_computations, name=name, source_digest=source_digest)


@dataclass
class _Sum:
    """A sum that does not depend on the order of what is added: Beam's does on how fast its batches went.

    Whole multiples of 2^-32, in a Python integer, add up exactly; NaN and infinity are kept apart.
    """

    units: int = 0
    not_finite: float = 0.0
    count: int = 0

    @property
    def mean(self) -> float:
        return (self.units / _UNITS + self.not_finite) / self.count if self.count else float("nan")


_UNITS = 2**32


class _MeanCombiner(beam.CombineFn):
    """Averages one output of one model."""

    def __init__(self, key: metric_types.MetricKey) -> None:
        self._key = key

    def create_accumulator(self) -> _Sum:
        return _Sum()

    def add_input(self, accumulator: _Sum, element: metric_types.StandardMetricInputs) -> _Sum:
        outputs = element.get_predictions(self._key.model_name or None)
        values = np.asarray(outputs[self._key.name], np.float64)
        finite = np.isfinite(values)
        return _Sum(
            accumulator.units + sum(round(value * _UNITS) for value in values[finite].tolist()),
            accumulator.not_finite + float(values[~finite].sum()),
            accumulator.count + values.size,
        )

    def merge_accumulators(self, accumulators: Iterable[_Sum]) -> _Sum:
        parts = list(accumulators)
        return _Sum(
            sum(part.units for part in parts), sum(part.not_finite for part in parts), sum(part.count for part in parts)
        )

    def extract_output(self, accumulator: _Sum) -> dict[metric_types.MetricKey, float]:
        return {self._key: accumulator.mean}


def _computations(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    """One computation for each model: TFMA calls this once for the candidate and the baseline together."""
    del source_digest
    keys = [metric_types.MetricKey(name=name, model_name=model_name) for model_name in model_names or [""]]
    return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=_MeanCombiner(key)) for key in keys]
