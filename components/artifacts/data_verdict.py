"""What the ValidationGate found in data that it let pass, for the report."""

import io
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tfx.dsl.io import fileio
from tfx.types.artifact import Artifact

from components.settings import Section

SENTENCES_FILE: Final = "anomalies.txt"
"""One sentence for each anomaly; empty if there is none."""

PIXELS_FILE: Final = "pixels.json"
"""The fields of `PixelSummary`."""


DIGESTS_FILE: Final = "digests.npz"
"""What `write_digests` wrote; not there in verdicts of older versions."""


class DataVerdict(Artifact):
    """A directory with these three files. If data must not be used, the gate's execution fails without one."""

    TYPE_NAME = "DataVerdict"


class SplitPixels(Section):
    """The images of a split; of those with alpha, the colours."""

    images: int
    """How many there are."""

    minimum: int
    maximum: int
    """The darkest and the lightest value of a pixel, 0 to 255; 0 without an image."""

    mean: float
    standard_deviation: float
    """Of all pixels of all images, in the same unit."""

    sizes: dict[str, int]
    """How many images have each size, such as `640x480 RGB`, the most frequent first."""

    labels: dict[int, int]
    """How many images have each label; empty without labels."""

    constant: int
    """How many images have a single colour."""

    repeated: int
    """How many images are equal to an earlier one of the split."""

    shared: dict[str, int]
    """How many images are also in each other split."""


class PixelSummary(Section):
    """The images of all splits."""

    splits: dict[str, SplitPixels]

    warnings: tuple[str, ...]
    """What is wrong and was let pass, one sentence each."""


Digests = Mapping[str, NDArray[np.uint64]]
"""By split, a digest of the pixels of each image in the order of the files; 0 for one that cannot be decoded."""


def write_digests(verdict: str, digests: Mapping[int, Digests]) -> None:
    """Writes what later runs compare new images with.

    Args:
      verdict: The directory of the DataVerdict.
      digests: By the id of the Examples.
    """
    content = io.BytesIO()
    arrays = {f"{examples} {split}": array for examples, splits in digests.items() for split, array in splits.items()}
    np.savez(content, **arrays)  # type: ignore[arg-type]  # the names of its options are none of these
    with fileio.open(f"{verdict}/{DIGESTS_FILE}", "wb") as file:
        file.write(content.getvalue())


def read_digests(verdict: str) -> dict[int, dict[str, NDArray[np.uint64]]]:
    """What `write_digests` wrote, by the id of the Examples; empty for a verdict of an older version."""
    found: dict[int, dict[str, NDArray[np.uint64]]] = {}
    if fileio.exists(f"{verdict}/{DIGESTS_FILE}"):
        with fileio.open(f"{verdict}/{DIGESTS_FILE}", "rb") as file:
            content = io.BytesIO(file.read())
        for name, array in np.load(content).items():
            examples, _, split = name.partition(" ")
            found.setdefault(int(examples), {})[split] = array
    return found
