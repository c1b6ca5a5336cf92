"""Images of digits and other images, for benchmarks/outliers.py."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

REPOSITORY: Final = Path(__file__).resolve().parent.parent
FASHION: Final = Path("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz")
"""The directory of Debian's package dataset-fashion-mnist."""
DIGITS: Final = "MNIST test digits"


def read_idx(path: Path, header: int = 16, shape: tuple[int, ...] = (28, 28, 1)) -> Pixels:
    """The images of an IDX file, uint8 [N, 28, 28, 1]; other things with a header of so many bytes, each of another shape."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header).reshape(-1, *shape)


def read_digits(name: str) -> Pixels:
    """MNIST's `train` or `t10k`."""
    return read_idx(REPOSITORY / "data" / "mnist" / f"{name}-images-idx3-ubyte.gz")


def kinds_of_images(count: int, seed: int) -> dict[str, Pixels]:
    """The digits, and the same number of images of each other kind; Fashion-MNIST only if it is installed.

    Args:
      count: Number of images of each kind, at most 10,000.
      seed: Seed of all random numbers.
    """
    digits = read_digits("t10k")[:count]
    images = {DIGITS: digits}
    if FASHION.exists():
        images["Fashion-MNIST"] = read_idx(FASHION)[:count]
    for number, (name, make) in enumerate(_MADE_OF_DIGITS.items()):
        images[name] = make(digits, np.random.default_rng([seed, number]))
    return images


def _half_size(digits: Pixels) -> Pixels:
    small = np.zeros_like(digits)
    small[:, 7:21, 7:21] = digits.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4)).round()
    return small


def _shuffled(digits: Pixels, generator: np.random.Generator) -> Pixels:
    return generator.permuted(digits.reshape(len(digits), -1), axis=1).reshape(digits.shape)


def _one_grey(digits: Pixels, generator: np.random.Generator) -> Pixels:
    levels = generator.integers(0, 256, (len(digits), 1, 1, 1), dtype=np.uint8)
    return np.broadcast_to(levels, digits.shape)


_MADE_OF_DIGITS: Final[dict[str, Callable[[Pixels, Any], Pixels]]] = {
    "uniform noise": lambda digits, generator: generator.integers(0, 256, digits.shape, dtype=np.uint8),
    "inverted digits": lambda digits, _: 255 - digits,
    "shuffled pixels": lambda digits, generator: generator.permuted(digits.reshape(len(digits), -1), axis=1).reshape(
        digits.shape
    ),
    "two digits at once": lambda digits, _: np.maximum(digits, np.roll(digits, 1, axis=0)),
    "mirrored digits": lambda digits, _: digits[:, :, ::-1],
    "half-size digits": lambda digits, _: _half_size(digits),
    "half the contrast": lambda digits, _: digits // 2,
    "a tenth of the contrast": lambda digits, _: digits // 10,
    "one grey level": _one_grey,
    "black": lambda digits, _: np.zeros_like(digits),
}
