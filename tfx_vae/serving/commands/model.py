"""What the commands share: finding and loading an exported model, and preparing images for it."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
import numpy as np
from rich.console import Console

from components.artifacts.features import IMAGE
from components.artifacts.image_files import Pixels, encode_png
from components.artifacts.serving_directory import SAVED_MODEL, find_pushed, pushed_versions
from components.artifacts.signature_names import GENERATE
from components.errors import ConfigurationError, PipelineError
from components.keras_environment import import_tensorflow_alone
from pipelines.local.process import captured_output, prepare_environment
from tfx_vae.serving.commands.options import ImageChoice, Preparation
from tfx_vae.serving.image_batches import ImageBatches, ImageFile, printable, stacked
from tfx_vae.serving.images import Target, edge_brightness, find_images

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel

BATCH: Final = 256
_DRAWN: Final = 64
# The folder of the SavedModel in the Trainer's artifact.
_FORMAT_SERVING: Final = "Format-Serving"


class ModelLocation(NamedTuple):
    """Where an exported model is.

    Attributes:
      name: Of the pipeline; None if only a directory was given.
      version: The pushed version; None for a model that was not pushed.
      directory: The SavedModel.
    """

    name: str | None
    version: int | None
    directory: Path

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.name else str(self.directory)

    def as_json(self) -> dict[str, Any]:
        """The value of `"model"` in the commands' JSON."""
        return {"name": self.name, "version": self.version, "directory": printable(self.directory)}


def locate_directory(directory: Path) -> list[ModelLocation]:
    """The SavedModel in a directory: the directory itself, a Trainer's artifact, or the versions in a serving directory.

    Returns:
      The model, or the versions, the newest first.

    Raises:
      ConfigurationError: There is none.
    """
    directory = directory.absolute()
    for candidate in (directory, directory / _FORMAT_SERVING):
        if (candidate / SAVED_MODEL).is_file():
            return [ModelLocation(None, None, candidate)]
    if pushed_versions(directory):
        return [ModelLocation(directory.name, *pushed) for pushed in find_pushed(directory)]
    raise ConfigurationError(
        f"There is no exported model in {directory}: it contains neither {SAVED_MODEL} nor pushed versions of a model."
    )


def load_quietly(locations: Sequence[ModelLocation], signatures: Sequence[str]) -> "tuple[ModelLocation, LoadedModel]":
    """Loads the first model that can be loaded, and discards what TensorFlow prints.

    Args:
      locations: Models, the best first. Those that are passed over are named on standard error.
      signatures: Those that the command calls.

    Raises:
      PipelineError: None can be loaded.
      ConfigurationError: A signature is missing.
    """
    for location in locations:
        try:
            model = _load_quietly(location.directory)
        except PipelineError as error:
            if len(locations) == 1:
                raise
            click.echo(f"{location} is passed over. {error}", err=True)
            continue
        for signature in signatures:
            if signature not in model.signatures:
                known = ", ".join(sorted(model.signatures)) or "none"
                raise ConfigurationError(f"The model in {location.directory} has no signature '{signature}'; it has {known}.")
        return location, model
    raise PipelineError(f"No version in {locations[0].directory.parent} can be loaded.")


def _load_quietly(directory: Path) -> "LoadedModel":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # what TensorFlow warns of says nothing of the images
    prepare_environment()
    with (
        tempfile.NamedTemporaryFile() as printed,
        captured_output(Path(printed.name), shown=2) as error_output,
        Console(file=error_output).status("Loading TensorFlow and the model"),  # shows nothing if that is no terminal
    ):
        import_tensorflow_alone()
        from components.artifacts.loaded_model import LoadedModel

        return LoadedModel(directory)


def open_images(choice: ImageChoice) -> ImageBatches:
    """The images of a command, without sheets among them that a command drew: `*.png` finds those too.

    Raises:
      ConfigurationError: A path does not exist.
      DataError: One of the first images cannot be read.
    """
    from tfx_vae.serving.commands.sheet import is_sheet

    found = find_images(choice.paths)
    images = [path for path in found if not is_sheet(path)] or found
    for path in sorted(set(found) - set(images)):
        click.echo(f"{printable(path.name)}: left out, because it is a sheet that tfx-vae drew", err=True)
    return ImageBatches(images, choice.skip_unreadable)


def target_of(model: "LoadedModel", preparation: Preparation) -> Target:
    """The shape that a model takes, and how it was trained to take images of other shapes."""
    height, width, channels = model.image_shape
    model_input = model.model_input
    return Target(
        height,
        width,
        channels,
        model_input.background if preparation.background is None else preparation.background,
        model_input.fit,
        preparation.invert,
        preparation.autocontrast,
        _edge_of(model),
    )


def pixels_of(files: list[ImageFile]) -> Any:
    """Input of the signatures that take pixels: float32 [N, height, width, channels] in [0, 1]."""
    return stacked(files).astype(np.float32) / 255


def examples_of(images: Iterable[Pixels]) -> list[bytes]:
    """Input of the signatures that take examples: serialized tf.Examples.

    The bytes of their PNG files depend on the pixels only, because the model draws the noise of a score from the bytes.
    """
    import tensorflow as tf

    examples = []
    for pixels in images:
        example = tf.train.Example()
        example.features.feature[IMAGE].bytes_list.value.append(encode_png(pixels, compressed=False))
        examples.append(example.SerializeToString())
    return examples


def _edge_of(model: "LoadedModel") -> float:
    """Brightness in [0, 1] at the edge of the images that the model generates."""
    if GENERATE not in model.signatures:
        return 0.5
    return edge_brightness(model.call(GENERATE, count=_DRAWN, seed=[0, 0])[IMAGE])
