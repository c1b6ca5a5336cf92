"""A small model that was pushed, and images to show it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support.digits import Trained, read_digits

from components.artifacts import loaded_model
from components.artifacts.loaded_model import LoadedModel
from tfx_vae.cli import main


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
def place(exported: Trained, tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("pushed")
    pushed = shutil.copytree(exported.serving_model, directory / "runs" / "serving" / "mnist-vae" / "7")
    images = read_digits(3)
    digits = directory / "digits"
    digits.mkdir()
    for number, digit in enumerate(images):
        Image.fromarray(digit[..., 0]).save(digits / f"d{number}.png")
    return Place(directory / "runs", pushed, digits, images)


@pytest.fixture(scope="session")
def loaded(place: Place) -> LoadedModel:
    """The pushed model itself."""
    return LoadedModel(place.model)


@pytest.fixture
def ask(place: Place, loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Calls `tfx-vae` for the pushed model; output and error output apart.

    The commands of all tests share one loaded model, since TensorFlow takes a second to load it; a copy is loaded anew.
    """
    monkeypatch.setattr(
        loaded_model, "LoadedModel", lambda directory: loaded if directory == place.model else LoadedModel(directory)
    )

    def call(*words: str | Path) -> Result:
        where = [] if "--model" in words else ["--set", f"runtime.root={place.root}"]
        return CliRunner().invoke(main, [*map(str, words), *where])

    return call
