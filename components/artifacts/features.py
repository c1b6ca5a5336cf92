"""Names that several components share: feature keys and split names.

Light on purpose: it imports only the standard library, so that the command line and the metadata tools may use it.
"""

from enum import StrEnum
from typing import Final

IMAGE: Final = "image"
"""Before Transform: PNG bytes. After Transform: float32 [height, width, channels]."""

LABEL: Final = "label"
"""int64, optional: never seen by a model, only used to slice and to colour."""

TRAIN: Final = "train"
EVAL: Final = "eval"
TEST: Final = "test"
SPLITS: Final = (TRAIN, EVAL, TEST)
"""`train` fits, `eval` steers, `test` is looked at once, by the Evaluator."""


class Binarization(StrEnum):
    """Whether training sees binary images."""

    NONE = "none"

    DYNAMIC = "dynamic"
    """Each pixel is drawn anew whenever an image is seen, on with the probability that it is grey (Salakhutdinov & Murray,
    2008; Burda et al., 2016)."""
