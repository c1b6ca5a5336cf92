"""Whether two answers to one request are the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def describe_difference(
    signature: str, recorded: Mapping[str, Array], answered: Mapping[str, Array], tolerance: float
) -> str | None:
    """Says where an answer differs from the one that was recorded.

    Args:
      signature: Whose answers they are.
      recorded: The outputs by name, as the Trainer gave them.
      answered: As they are now.
      tolerance: How far a value may be from the recorded one, as a part of the largest recorded value of its output, or of 1 if
        that is more.

    Returns:
      A sentence without a full stop about the first output that differs; None if none does.
    """
    if missing := sorted(set(recorded) - set(answered)):
        return f"the signature {signature} does not give the output {', '.join(missing)}"
    for name, expected in sorted(recorded.items()):
        found = answered[name]
        if found.shape != expected.shape:
            return f"the output {name} of the signature {signature} has the shape {found.shape} instead of {expected.shape}"
        difference, allowed = _largest_difference(expected, found), tolerance * _size(expected)
        if not difference <= allowed:
            return (
                f"the output {name} of the signature {signature} differs from what the Trainer computed by up to "
                f"{difference:.3g}, where {allowed:.3g} is allowed (infra_validator.tolerance)"
            )
    return None


def _largest_difference(expected: Array, found: Array) -> float:
    """Infinity where one is finite and the other is not; what is equal, infinities and NaN included, does not differ."""
    expected, found = expected.astype(np.float64), found.astype(np.float64)
    is_same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        differences = np.abs(np.where(is_same, 0.0, found - expected))
    return float(np.max(np.where(np.isnan(differences), np.inf, differences), initial=0.0))


def _size(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return max(1.0, float(np.max(np.abs(finite), initial=0.0)))
