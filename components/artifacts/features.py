"""Names that several components share: feature keys, split names and the names of losses.

Light on purpose: it imports only the standard library, so that the command line and the metadata tools may use it.
"""

from enum import StrEnum
from typing import Final

IMAGE: Final = "image"
"""Before Transform: PNG bytes. After Transform: float32 [height, width, channels]."""

LABEL: Final = "label"
"""int64, optional: models never see it; it is only used for slices and colours."""

TRAIN: Final = "train"
EVAL: Final = "eval"
TEST: Final = "test"
SPLITS: Final = (TRAIN, EVAL, TEST)
"""`train` fits the model, `eval` controls the training, and only the Evaluator and the report use `test`."""

RECONSTRUCTION_LOSS: Final = "reconstruction_loss"
SQUARED_ERROR: Final = "squared_error"
KL_DIVERGENCE: Final = "kl_divergence"
NEGATIVE_ELBO: Final = "negative_elbo"
LOSSES: Final = (RECONSTRUCTION_LOSS, SQUARED_ERROR, KL_DIVERGENCE, NEGATIVE_ELBO)
"""The losses that the `evaluate` signature returns for each example, in nats per image; the squared error is a sum over pixels
in [0, 1]. The Evaluator averages them."""

SSIM: Final = "ssim"
BITS_PER_DIMENSION: Final = "bits_per_dimension"
IW_NLL: Final = "iw_nll"
KL_PER_DIMENSION: Final = "kl_per_dimension"
"""Evaluation signatures return these for each example too, if the model has them."""

EXAMPLE_COUNT: Final = "example_count"
"""TFMA's name for the number of examples of a slice."""


class Binarization(StrEnum):
    """Whether training sees binary images."""

    NONE = "none"

    DYNAMIC = "dynamic"
    """Each pixel is drawn anew each time an image is used; its grey value is the probability of white (Salakhutdinov & Murray,
    2008; Burda et al., 2016)."""


class Fit(StrEnum):
    """How an image of another aspect ratio is brought to the shape that a model takes."""

    PAD = "pad"
    """Scaled to fit inside, with background on two sides."""

    CROP = "crop"
    """Scaled to cover, with what is outside cut off on two sides."""

    STRETCH = "stretch"
    """Scaled to the height and the width, whatever its aspect ratio."""
