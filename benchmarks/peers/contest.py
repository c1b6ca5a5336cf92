"""The digits, the networks and the protocol that all implementations share. Needs only numpy."""

import argparse
import gzip
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

MNIST: Final = Path(__file__).resolve().parents[2] / "data" / "mnist" / "train-images-idx3-ubyte.gz"
IMAGES: Final = 22_000


class Network(NamedTuple):
    """A dense VAE for 28 x 28 pixels, and its batches."""

    hidden_units: tuple[int, ...]
    latent_dim: int
    activation: str
    batch_normalization: bool
    batch_size: int

    def __str__(self) -> str:
        widths = "-".join(str(width) for width in (784, *self.hidden_units, self.latent_dim))
        normalization = ", batch normalisation" if self.batch_normalization else ""
        return f"{widths}, {self.activation}{normalization}, batches of {self.batch_size}"

    @property
    def training_operations(self) -> int:
        """Floating-point operations of the matrix products for each image: one forward pass, and twice as many backward."""
        encoder = (784, *self.hidden_units, 2 * self.latent_dim)
        decoder = (self.latent_dim, *reversed(self.hidden_units), 784)
        weights = sum(first * second for sizes in (encoder, decoder) for first, second in itertools.pairwise(sizes))
        return 3 * 2 * weights


NETWORKS: Final = {
    "dense": Network((512, 512), 32, "silu", True, 256),
    "pythae": Network((512,), 32, "relu", False, 128),
    "pytorch": Network((400,), 20, "relu", False, 128),
}


def read_digits() -> np.ndarray:
    """The first digits of MNIST, uint8 [N, 28, 28]."""
    with gzip.open(MNIST) as file:
        return np.frombuffer(bytearray(file.read(16 + IMAGES * 784)), np.uint8, offset=16).reshape(-1, 28, 28)


def contestant(*options: str) -> argparse.Namespace:
    """The command line of an implementation: `threads`, `network`, and its own options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--network", choices=NETWORKS, required=True)
    for option in options:
        parser.add_argument(option, action="store_true")
    return parser.parse_args()


def answer_epochs(epoch: Callable[[], float]) -> None:
    """Runs an epoch for each line of standard input, and prints its time.

    Args:
      epoch: Returns the number of images or operations.
    """
    answers = sys.stdout
    # Libraries print progress.
    sys.stdout = sys.stderr
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        done = epoch()
        cost = {"done": done, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        answers.write(json.dumps(cost) + "\n")
        answers.flush()
