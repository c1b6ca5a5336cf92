"""The size and the normalisation of images."""

from enum import StrEnum

from pydantic import PositiveInt, field_validator

from components.artifacts.features import Fit
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
    """Size, aspect ratio and normalisation of images."""

    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Height, width and channels (1 for grey, 3 for RGB) to bring every image to; null keeps those of the dataset.
    Images of several sizes need it, and `fit`."""

    fit: Fit | None = None
    """What happens to an image of another aspect ratio than `image_shape`: `pad` scales it to fit inside, with
    `data.background` on two sides; `crop` scales it to cover, and cuts off two sides; `stretch` does not keep its aspect
    ratio. With null, all images of the dataset must have one size; an image of another aspect ratio that a client sends later
    is padded."""

    normalization: Normalization = Normalization.UNIT
    """`unit`, `symmetric` or `standardize`."""

    @field_validator("image_shape")
    @classmethod
    def _is_grey_or_rgb(cls, shape: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
        if shape is not None and shape[-1] not in (1, 3):
            raise ValueError("must end in 1 (grey) or 3 (RGB): transparent pixels show the background, so models see no alpha")
        return shape
