"""The metrics of a ModelEvaluation, one by one, without TensorFlow."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from components.artifacts.features import LABEL, LOSSES
from components.artifacts.tfma_files import read_metrics

_BASELINE = "baseline"


class MetricValue(NamedTuple):
    """One metric of one model on one slice."""

    name: str
    value: float
    label: int | None
    """Of the slice; None for the whole split."""
    is_baseline: bool
    """Whether it is the latest blessed model's."""
    dimension: int | None
    """Of the code, for a metric that has a value for each; None for all others."""


def read_values(evaluation: Path) -> Iterator[MetricValue]:
    """Reads the directory of a ModelEvaluation artifact, in no particular order.

    Left out are differences between the two models, and where a metric has no meaning: the accuracy on one label, for example.

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
                item.key.model_name == _BASELINE,
                item.key.sub_key.class_id.value if item.key.HasField("sub_key") else None,
            )
            if not item.key.is_diff and not _is_undefined(value):
                yield value


def _label(slice_key: Any) -> int | None:
    return next((single.int64_value for single in slice_key.single_slice_keys if single.column == LABEL), None)


def _is_undefined(value: MetricValue) -> bool:
    """TFMA wants every metric that has a threshold on every slice, so it is NaN where it has no meaning; a loss always has."""
    return math.isnan(value.value) and value.label is not None and value.name not in LOSSES
