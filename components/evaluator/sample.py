"""Collects a model's outputs for the examples with the lowest hashes, for metrics of many examples together."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types

from components.artifacts.features import IMAGE, LABEL

_NO_LABEL = -(2**63)


class Sample(NamedTuple):
    """The outputs of a model for N examples, in an order that depends only on the examples."""

    outputs: dict[str, NDArray[np.float32]]
    """[N, ...] by output; N is at least 2."""

    labels: NDArray[np.int64] | None
    """[N]; None if an example has no label."""


class _Row(NamedTuple):
    """One example; rows are sorted by the order of their fields."""

    hash: int
    label: int
    values: tuple[bytes, ...]
    """float32, one entry for each output."""


@dataclass
class _Gathered:
    """Rows (temporarily more than are wanted, some with NaN), and whether the model has the outputs."""

    rows: list[_Row] = field(default_factory=list)
    is_known: bool = False


def sample_computations(
    outputs: Sequence[str], limit: int, model_names: list[str] | None
) -> dict[str, metric_types.MetricComputation]:
    """Computations whose result is a `Sample`, for each model; TFMA computes equal ones once.

    The result is private in the sense of TFMA: other computations use it, and it is not written. If a model does not have all
    of the outputs, there is no result; if fewer than two examples count, the result is None.

    Args:
      outputs: The names of the model's outputs. An example with NaN in any of them does not count.
      limit: Maximum number of examples: those with the lowest `image_hash`.
      model_names: The names from TFMA.
    """
    features = metric_types.FeaturePreprocessor(feature_keys=[IMAGE, LABEL])
    computations = {}
    for model_name in model_names or [""]:
        key = metric_types.MetricKey(name=f"_sample_of_{limit}:{','.join(outputs)}", model_name=model_name)
        computations[model_name] = metric_types.MetricComputation(
            keys=[key], preprocessors=[features], combiner=_Gather(key, outputs, limit)
        )
    return computations


class _Gather(beam.CombineFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Keeps the examples with the lowest hashes."""

    def __init__(self, key: metric_types.MetricKey, outputs: Sequence[str], limit: int) -> None:
        self._key = key
        self._outputs = tuple(outputs)
        self._limit = limit

    def create_accumulator(self) -> _Gathered:
        return _Gathered()

    def add_input(self, accumulator: _Gathered, element: metric_types.StandardMetricInputs) -> _Gathered:
        said = element.get_predictions(self._key.model_name or None)
        if not all(output in said for output in self._outputs):
            return accumulator
        accumulator.is_known = True
        values = tuple(np.asarray(said[output], np.float32).tobytes() for output in self._outputs)
        accumulator.rows.append(_Row(*_identity(element.features), values))
        # Sort only when there are twice as many as wanted, to sort rarely.
        if len(accumulator.rows) >= 2 * self._limit:
            accumulator.rows = self._lowest(accumulator.rows)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Gathered]) -> _Gathered:
        parts = list(accumulators)
        return _Gathered(self._lowest([row for part in parts for row in part.rows]), any(part.is_known for part in parts))

    def extract_output(self, accumulator: _Gathered) -> dict[metric_types.MetricKey, Sample | None]:
        if not accumulator.is_known:
            return {}
        rows = self._lowest(accumulator.rows)
        if len(rows) < 2:
            return {self._key: None}
        outputs = dict(zip(self._outputs, self._values(rows), strict=True))
        labels = np.array([row.label for row in rows], np.int64)
        return {self._key: Sample(outputs, None if (labels == _NO_LABEL).any() else labels)}

    def _lowest(self, rows: list[_Row]) -> list[_Row]:
        is_unknown = np.zeros(len(rows), np.bool_)
        for values in self._values(rows):
            is_unknown |= np.isnan(values).any(axis=1)
        return sorted(row for row, skip in zip(rows, is_unknown.tolist(), strict=True) if not skip)[: self._limit]

    def _values(self, rows: list[_Row]) -> Iterator[NDArray[np.float32]]:
        """Each output of all rows, [N, ...]: one call for all takes a fraction of the time."""
        for index in range(len(self._outputs) if rows else 0):
            yield np.frombuffer(b"".join(row.values[index] for row in rows), np.float32).reshape(len(rows), -1)


def _identity(features: Any) -> tuple[int, int]:
    """The hash and the label of an example."""
    encoded = np.asarray(features[IMAGE], object).flat[0]
    label = np.asarray(features[LABEL]) if features.get(LABEL) is not None else np.zeros(0)
    return image_hash(encoded), int(label.flat[0]) if label.size else _NO_LABEL


def image_hash(encoded: bytes) -> int:
    """A number in [0, 2^63) from an image's bytes, the same in every process. The images with the lowest numbers are chosen."""
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big") >> 1
