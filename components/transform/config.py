"""The size and the normalisation of images."""

from enum import StrEnum

from pydantic import PositiveInt

from components.settings import Section


class Normalization(StrEnum):
    """The range of the encoder's input."""

    UNIT = "unit"
    """[0, 1]."""

    SYMMETRIC = "symmetric"
    """[-1, 1]."""

    STANDARDIZE = "standardize"
    """Mean 0 and variance 1 over all pixels of the training split."""


class TransformConfig(Section):
    """Size and normalisation of images."""

    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Height, width and channels to bring every image to; null keeps those of the dataset."""

    normalization: Normalization = Normalization.UNIT
    """`unit`, `symmetric` or `standardize`."""
