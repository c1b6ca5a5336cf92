"""MNIST's files as the splits of tensorflow-datasets, and binarized, without tensorflow-datasets."""

import gzip
import re
import sys
from typing import Final

import numpy as np
from default_run import REPOSITORY
from numpy.typing import NDArray

EVALUATION_SEED: Final = 20261122
_COUNTS: Final = {"train": 60_000, "t10k": 10_000}


def read_split(expression: str) -> NDArray[np.float32]:
    """Digits of MNIST, float32 [N, 28, 28, 1] in [0, 1], of a split of tensorflow-datasets: `train[:55000]`, `test`."""
    return _read(expression, "images-idx3", 16).reshape(-1, 28, 28, 1).astype(np.float32) / np.float32(255)


def read_labels(expression: str) -> NDArray[np.int64]:
    """The labels of the same digits, [N]."""
    return _read(expression, "labels-idx1", 8).reshape(-1).astype(np.int64)


def _read(expression: str, kind: str, offset: int) -> NDArray[np.uint8]:
    parts = re.fullmatch(r"(train|test)(?:\[(\d*):(\d*)\])?", expression)
    if parts is None:
        sys.exit(f"data.splits: this benchmark understands train[START:END] and test[START:END], but not {expression!r}.")
    file, start, end = (
        {"train": "train", "test": "t10k"}[parts[1]],
        *(int(part) if part else None for part in parts.groups()[1:]),
    )
    with gzip.open(REPOSITORY / "data" / "mnist" / f"{file}-{kind}-ubyte.gz") as content:
        values = np.frombuffer(content.read(), np.uint8, offset=offset)
    return values.reshape(_COUNTS[file], -1)[slice(start, end)]


def binarized(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Binary images: the grey value of a pixel is its probability of white. Each call returns the same images."""
    return (np.random.default_rng(EVALUATION_SEED).random(images.shape) < images).astype(np.float32)
