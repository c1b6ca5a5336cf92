"""Reads image files of any format and size, and brings them to the shape that a model takes.

Every change is recorded, so that the commands can say what they did to an image.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps

from components.artifacts.features import Fit
from components.artifacts.image_files import BLACK, SUFFIXES, Change, Colour, Original, Pixels, decode, lay_on, opened
from components.errors import ConfigurationError

# Percent of the pixels at either end that autocontrast ignores: specks, and the noise of paper.
_SPECKS: Final = 1


@dataclass(frozen=True)
class Target:
    """The shape that a model takes, and how images are brought to it.

    Attributes:
      height: Pixels.
      width: Pixels.
      channels: 1 for grey, 3 for red, green and blue.
      background: Red, green and blue, shown behind transparent pixels and beside images of another aspect ratio.
      fit: What happens to an image of another aspect ratio.
      invert: Whether light and dark are exchanged; the background is not.
      autocontrast: Whether the darkest pixels become black and the lightest white.
      usual_edge: Brightness in [0, 1] at the edge of the images that the model generates; with 0.5, no image looks inverted.
    """

    height: int
    width: int
    channels: int
    background: Colour = BLACK
    fit: Fit = Fit.PAD
    invert: bool = False
    autocontrast: bool = False
    usual_edge: float = 0.5

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ConfigurationError(
                f"The model takes images of {self.channels} channels, but image files are read with 1 (grey) or 3 (RGB): "
                "send it pixel arrays over REST (docs/serving.md)."
            )


@dataclass(frozen=True)
class PreparedImage:
    """An image as the model takes it.

    Attributes:
      pixels: uint8 [height, width, channels].
      original: Format and size of the file.
      changes: In the order in which they were made.
      edge: Brightness in [0, 1] at its edge, before padding.
    """

    pixels: Pixels
    original: Original
    changes: tuple[Change, ...]
    edge: float


def read_image(path: Path, target: Target) -> PreparedImage:
    """Reads an image file and brings it to a model's shape.

    Raises:
      DataError: The file is not an image, is damaged, or the range of its pixels is unknown.
    """
    with opened(path) as image:
        return prepare(image, target)


def prepare(image: Image.Image, target: Target) -> PreparedImage:
    """Brings an image to a model's shape.

    Raises:
      DataError: The range of its pixels is unknown.
    """
    decoded = decode(image)
    image, changes = decoded.image, list(decoded.changes)
    if target.invert:
        image = ImageChops.invert(image)
        changes.append(Change.INVERTED)
    if decoded.alpha is not None:
        image = lay_on(image, decoded.alpha, target.background)
        changes.append(Change.LAID_ON_BACKGROUND)
    image, converted = _converted(image, target)
    pixels, fitted = _fitted(_pixels(image), target)
    edge = edge_brightness(_pixels(image)) / 255
    return PreparedImage(pixels, decoded.original, (*changes, *converted, *fitted), edge)


def edge_brightness(pixels: NDArray[Any]) -> float:
    """Mean of the outermost pixels of images [..., height, width, channels], in the unit of the pixels."""
    sides = (pixels[..., 0, :, :], pixels[..., -1, :, :], pixels[..., :, 0, :], pixels[..., :, -1, :])
    return float(np.mean([side.mean() for side in sides]))


def _converted(image: Image.Image, target: Target) -> tuple[Image.Image, list[Change]]:
    """An L or RGB image with the target's channels and contrast."""
    changes = []
    mode = "L" if target.channels == 1 else "RGB"
    if image.mode != mode:
        # A grey image stored as RGB loses nothing.
        if mode == "RGB" or _has_colours(image):
            changes.append(Change.COLOURS)
        image = image.convert(mode)
    if target.autocontrast:
        image = ImageOps.autocontrast(image, _SPECKS)
        changes.append(Change.STRETCHED)
    return image, changes


def _fitted(pixels: Pixels, target: Target) -> tuple[Pixels, list[Change]]:
    """The image in the target's size, made by the code that the exported graphs contain."""
    height, width = pixels.shape[:2]
    if (height, width) == (target.height, target.width):
        return pixels, []
    ratios = target.height / height, target.width / width
    changes = [Change.RESIZED]
    if ratios[0] != ratios[1] and target.fit is not Fit.STRETCH:
        changes = [Change.PADDED if target.fit is Fit.PAD else Change.CROPPED]
        if (min if target.fit is Fit.PAD else max)(ratios) != 1:
            changes.insert(0, Change.RESIZED)
    shape = target.height, target.width, target.channels
    return _fit_to(shape, target.fit, target.background)(pixels).numpy(), changes


@cache
def _fit_to(shape: tuple[int, int, int], fit: Fit, background: Colour) -> Any:
    """A graph, traced once, from uint8 [height, width, channels] to the pixels of a model."""
    import tensorflow as tf

    from components.artifacts.model_input import ModelInput, fit_pixels

    model_input = ModelInput(shape, fit, background)
    return tf.function(lambda pixels: fit_pixels(pixels, model_input), [tf.TensorSpec([None, None, shape[-1]], tf.uint8)])


def _has_colours(image: Image.Image) -> bool:
    red, green, blue = image.split()
    return any(ImageChops.difference(red, other).getbbox() is not None for other in (green, blue))


def _pixels(image: Image.Image) -> Pixels:
    pixels = np.array(image, np.uint8)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files as given, and all images below each directory in the order of their paths.

    Args:
      paths: Files and directories. Below a directory, files without an image's suffix and hidden files are left out.

    Raises:
      ConfigurationError: A path does not exist, or a directory contains no image.
    """
    return [image for path in paths for image in _images_of(path)]


def _images_of(path: Path) -> list[Path]:
    if path.is_dir():
        images = sorted(_images_below(path))
        if not images:
            raise ConfigurationError(
                f"There is no image in the directory {path}: no file ends in {', '.join(SUFFIXES[:3])} or the like."
            )
        return images
    if not path.exists():
        raise ConfigurationError(f"There is no file or directory {path}.")
    return [path]


def _images_below(directory: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES)
