"""What the samples of the champion's images and of new ones mean: by which measures they differ, and by how much."""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from components.artifacts.drift import Measure
from components.drift import two_samples
from components.drift.config import DriftConfig
from components.drift.sample import Sample
from components.drift.two_samples import Difference

_CODES: Final = 500
"""On each side: the test compares all pairs."""
_LEAST_CODES: Final = 2


class Comparison(NamedTuple):
    """The result.

    Attributes:
      level: A p-value below it is significant.
      measures: Those that are switched on and that the images allow.
    """

    level: float
    measures: tuple[Measure, ...]


def compare(known: Sample, new: Sample, config: DriftConfig) -> Comparison:
    """Compares two samples by every measure.

    Args:
      known: Of the images beside which the champion was trained.
      new: Of the new images.
      config: The limits.
    """
    limits = {
        "labels": config.max_labels if known.labels and new.labels else None,
        "brightness": config.max_pixels,
        "contrast": config.max_pixels,
        "constant": config.max_constant,
        "score": config.max_score,
        "codes": config.max_codes if min(len(known.codes), len(new.codes)) >= _LEAST_CODES else None,
    }
    used = {name: limit for name, limit in limits.items() if limit is not None}
    level = config.significance / max(1, len(used))
    return Comparison(level, tuple(_measure(name, used[name], level, known, new) for name in used))


def _measure(name: str, limit: float, level: float, known: Sample, new: Sample) -> Measure:
    statistic, p_value = _difference(name, level, known, new)
    drifted = statistic > limit and p_value < level
    return Measure(name=name, statistic=statistic, limit=limit, p_value=p_value, drifted=drifted)


def _difference(name: str, level: float, known: Sample, new: Sample) -> Difference:
    match name:
        case "labels":
            return two_samples.of_counts(known.labels, new.labels)
        case "brightness":
            return two_samples.of_distributions(known.brightness, new.brightness)
        case "contrast":
            return two_samples.of_distributions(known.contrast, new.contrast)
        case "constant":
            return two_samples.of_shares(known.constant, len(known), new.constant, len(new))
        case "score":
            return two_samples.of_distributions(known.scores, new.scores)
        case _:
            return two_samples.of_codes(known.codes[:_CODES], new.codes[:_CODES], math.ceil(2 / level))


def explain(known: Sample, new: Sample, measures: tuple[Measure, ...]) -> Iterator[str]:
    """A sentence for each measure that found drift, with what a person can look up, without a full stop."""
    for measure in measures:
        if measure.drifted:
            yield f"{measure.name}: {_explain(measure.name, known, new)} ({_figures(measure)})"


def _explain(name: str, known: Sample, new: Sample) -> str:
    match name:
        case "labels":
            before, after = (_shares(sample.labels) for sample in (known, new))
            label = max({*before, *after}, key=lambda one: abs(before.get(one, 0.0) - after.get(one, 0.0)))
            return f"label {label} has {after.get(label, 0.0):.1%} of the images, before {before.get(label, 0.0):.1%}"
        case "brightness":
            return f"the mean pixel is {new.brightness.mean():.1f}, before {known.brightness.mean():.1f}"
        case "contrast":
            return f"the spread of the pixels of an image is {new.contrast.mean():.1f}, before {known.contrast.mean():.1f}"
        case "constant":
            shares = [sample.constant / len(sample) for sample in (new, known)]
            return f"{shares[0]:.1%} of the images have a single colour, before {shares[1]:.1%}"
        case "score":
            medians = [float(np.median(sample.scores)) for sample in (new, known)]
            return f"the median of the champion's negative ELBO is {medians[0]:.1f}, before {medians[1]:.1f}"
        case _:
            return "the champion encodes the images differently"


def _shares(labels: dict[int, int]) -> dict[int, float]:
    return {label: count / sum(labels.values()) for label, count in labels.items()}


def _figures(measure: Measure) -> str:
    return f"difference {measure.statistic:.3g}, limit {measure.limit:g}, p = {measure.p_value:.2g}"
