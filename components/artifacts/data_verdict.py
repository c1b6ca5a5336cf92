"""What the ValidationGate found in data that it let pass, for the report."""

from typing import Final

from tfx.types.artifact import Artifact

from components.settings import Section

SENTENCES_FILE: Final = "anomalies.txt"
"""One sentence for each anomaly; empty if there is none."""

PIXELS_FILE: Final = "pixels.json"
"""The fields of `PixelSummary`."""


class DataVerdict(Artifact):
    """A directory with `anomalies.txt` and `pixels.json`. If data must not be used, the gate's execution fails without one."""

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
