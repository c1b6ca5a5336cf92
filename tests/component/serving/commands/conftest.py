"""A small model that was pushed, and images to show it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.digits import SIZES, raw_examples, read_digits, train, transform

from components.artifacts.features import SPLITS
from tfx_vae.cli import main

LATENT = 4


@dataclass(frozen=True)
class Place:
    """Where a test asks from.

    Attributes:
      root: `runtime.root`, in whose serving directory the model is version 7 of mnist-vae.
      model: The SavedModel.
      digits: A directory with three digits, d0.png to d2.png, 28x28 and white on black.
      pixels: The same digits, uint8 [3, 28, 28, 1].
    """

    root: Path
    model: Path
    digits: Path
    pixels: np.ndarray


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("pushed")
    images = read_digits(sum(SIZES.values()))
    ends = np.cumsum(list(SIZES.values()))
    splits = {split: raw_examples(images[end - SIZES[split] : end]) for split, end in zip(SPLITS, ends, strict=True)}
    trained = train(transform(splits, directory / "data"), directory, {"latent_dim": LATENT}, {"epochs": 3})
    pushed = directory / "runs" / "serving" / "mnist-vae" / "7"
    pushed.parent.mkdir(parents=True)
    trained.serving_model.rename(pushed)
    digits = directory / "digits"
    digits.mkdir()
    for number, digit in enumerate(images[:3]):
        Image.fromarray(digit[..., 0]).save(digits / f"d{number}.png")
    return Place(directory / "runs", pushed, digits, images[:3])


@pytest.fixture
def ask(place: Place) -> Callable[..., Result]:
    """Calls `tfx-vae` for the pushed model; output and error output apart."""

    def call(*words: str | Path) -> Result:
        where = [] if "--model" in words else ["--set", f"runtime.root={place.root}"]
        return CliRunner().invoke(main, [*map(str, words), *where])

    return call
