"""The artifact of the DriftGate, and what the report draws of it."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tfx.types.artifact import Artifact

_ARRAYS_FILE: Final = "drift.npz"


class DriftVerdict(Artifact):
    """A directory with `drift.json` and, if there was something to compare, `drift.npz`.

    If the drift stops the run, the gate's execution fails without one.
    """

    TYPE_NAME = "DriftVerdict"


class DriftArrays(NamedTuple):
    """What the report draws.

    Attributes:
      known_scores: The champion's negative ELBO of the images beside which it was trained, [N].
      new_scores: Of the new images, [M].
      strangest: The new images with the highest score, the highest first, [10 or fewer, height, width, channels] in [0, 1].
      decoded: What the champion makes of them, likewise.
    """

    known_scores: NDArray[np.float32]
    new_scores: NDArray[np.float32]
    strangest: NDArray[np.float32]
    decoded: NDArray[np.float32]


def write_arrays(directory: Path, arrays: DriftArrays) -> None:
    """Writes `drift.npz`."""
    np.savez_compressed(directory / _ARRAYS_FILE, **arrays._asdict())


def read_arrays(directory: Path) -> DriftArrays:
    """Reads `drift.npz`."""
    with np.load(directory / _ARRAYS_FILE) as arrays:
        return DriftArrays(*(arrays[name] for name in DriftArrays._fields))
