"""Brings any image to the shape that a model takes: upright, eight bits, opaque, grey or coloured, of its size.

Whatever is changed on the way is told.
"""

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, ImageOps

from components.errors import ConfigurationError, DataError
from tfx_vae.serving.image_files import opened

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Lanczos and bicubic are a little sharper, but a stroke on grey paper gets a halo, which is the darkest of all when inverted.
_FILTER: Final = Image.Resampling.HAMMING
# Percent of the pixels, at either end, that may be darker or lighter: specks, and the noise of paper.
_SPECKS: Final = 1

_UPRIGHT: Final = (None, 0, 1)
_ORIENTATION: Final = 0x0112


class Change(StrEnum):
    """What was changed about an image, in the order in which it is done."""

    FIRST_FRAME = "first_frame"
    TURNED = "turned"
    EIGHT_BITS = "eight_bits"
    INVERTED = "inverted"
    LAID_ON_BACKGROUND = "laid_on_background"
    RESIZED = "resized"
    COLOURS = "colours"
    STRETCHED = "stretched"
    PADDED = "padded"


class Original(NamedTuple):
    """What an image was.

    Attributes:
      format: Pillow's name of it: `PNG`, `JPEG`.
      mode: Pillow's name of what a pixel is: `L`, `RGB`, `RGBA`, `P`, `I;16`.
      width: Pixels, when turned upright.
      height: Pixels, when turned upright.
    """

    format: str
    mode: str
    width: int
    height: int


@dataclass(frozen=True)
class Target:
    """What images are brought to.

    Attributes:
      height: Pixels.
      width: Pixels.
      channels: 1 for grey, 3 for red, green and blue.
      background: Red, green and blue: what lies behind transparent pixels and beside images of another aspect ratio.
      invert: Whether light and dark are exchanged; the background is not.
      autocontrast: Whether the darkest pixels become black, and the lightest white.
      usual_edge: Brightness in [0, 1] at the edge of the images that the model knows; with 0.5, none looks inverted.
    """

    height: int
    width: int
    channels: int
    background: Colour = (0, 0, 0)
    invert: bool = False
    autocontrast: bool = False
    usual_edge: float = 0.5

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ConfigurationError(f"The model takes images of {self.channels} channels; files give 1 (grey) or 3 (colours).")


@dataclass(frozen=True)
class PreparedImage:
    """An image as the model takes it.

    Attributes:
      pixels: uint8 [height, width, channels].
      original: What it was.
      changes: What was changed.
      edge: Its brightness in [0, 1] at the edge, before background was put beside it.
    """

    pixels: Pixels
    original: Original
    changes: tuple[Change, ...]
    edge: float


def read_image(path: Path, target: Target) -> PreparedImage:
    """Reads an image file and brings it to a model's shape.

    Raises:
      DataError: The file is not an image, is damaged, or has pixels of an unknown range.
    """
    with opened(path) as image:
        return prepare(image, target)


def prepare(image: Image.Image, target: Target) -> PreparedImage:
    """Brings an image to a model's shape.

    Its aspect ratio is kept, with background on two sides where it is not the target's.

    Raises:
      DataError: It has pixels of an unknown range.
    """
    format_, mode, changes = image.format or "", image.mode, []
    if format_ != "MPO" and getattr(image, "n_frames", 1) > 1:  # a photo's MPO has a preview beside it, not an animation
        changes.append(Change.FIRST_FRAME)
    if image.getexif().get(_ORIENTATION) not in _UPRIGHT:
        image = ImageOps.exif_transpose(image)
        changes.append(Change.TURNED)
    original = Original(format_, mode, *image.size)
    image, alpha, has_more_bits = _opaque_eight_bits(image, format_)
    if has_more_bits:
        changes.append(Change.EIGHT_BITS)
    if target.invert:
        image = ImageChops.invert(image)
        changes.append(Change.INVERTED)
    if alpha is not None and _lowest(alpha) < 255:
        image = Image.composite(image.convert("RGB"), Image.new("RGB", image.size, target.background), alpha)
        changes.append(Change.LAID_ON_BACKGROUND)
    image, fitted_changes = _fitted(image, target)
    edge = edge_brightness(_pixels(image)) / 255
    if image.size != (target.width, target.height):
        image = _padded(image, target)
        fitted_changes.append(Change.PADDED)
    return PreparedImage(_pixels(image), original, (*changes, *fitted_changes), edge)


def encode_png(pixels: Pixels, compressed: bool = True) -> bytes:
    """The image as a PNG file.

    Args:
      pixels: uint8 [height, width, channels].
      compressed: Compressed, the same pixels may give other bytes on another machine: not every zlib compresses alike.
    """
    file = BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.save(file, "PNG", compress_level=6 if compressed else 0)
    return file.getvalue()


def edge_brightness(pixels: NDArray[Any]) -> float:
    """Mean of the outermost pixels of images [..., height, width, channels], in the unit of the pixels."""
    sides = (pixels[..., 0, :, :], pixels[..., -1, :, :], pixels[..., :, 0, :], pixels[..., :, -1, :])
    return float(np.mean([side.mean() for side in sides]))


def parse_colour(text: str) -> Colour:
    """A colour by its CSS name or as `#rrggbb`.

    Raises:
      ConfigurationError: It is none.
    """
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise ConfigurationError(f"'{text}' is not a colour: black, white, grey or #rrggbb are some.") from error
    return red, green, blue


def _opaque_eight_bits(image: Image.Image, format_: str) -> tuple[Image.Image, Image.Image | None, bool]:
    """The image as L or RGB, its opacity as L if it has any, and whether it had more than eight bits a channel."""
    if image.mode.startswith("I;16") or (image.mode == "I" and format_ in ("PNG", "PPM")):
        return Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8)), None, True
    if image.mode in ("I", "F"):
        raise DataError(f"has pixels of 32 bits ({image.mode}), whose range is not known: make it one of 8 or 16 bits.")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        return coloured.convert("RGB"), coloured.getchannel("A"), False
    return image.convert("L" if image.mode in ("1", "L") else "RGB"), None, False


def _fitted(image: Image.Image, target: Target) -> tuple[Image.Image, list[Change]]:
    """An L or RGB image with the target's channels and contrast, no larger than it and touching two of its sides."""
    changes = []
    scale = min(target.width / image.width, target.height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if size != image.size:
        image = image.resize(size, _FILTER)
        changes.append(Change.RESIZED)
    mode = "L" if target.channels == 1 else "RGB"
    if image.mode != mode:
        # A grey image that is stored in colours loses nothing.
        if mode == "RGB" or _has_colours(image):
            changes.append(Change.COLOURS)
        image = image.convert(mode)
    if target.autocontrast:
        image = ImageOps.autocontrast(image, _SPECKS)
        changes.append(Change.STRETCHED)
    return image, changes


def _padded(image: Image.Image, target: Target) -> Image.Image:
    padded = Image.new("RGB", (target.width, target.height), target.background).convert(image.mode)
    padded.paste(image, ((target.width - image.width) // 2, (target.height - image.height) // 2))
    return padded


def _has_colours(image: Image.Image) -> bool:
    red, green, blue = image.split()
    return any(ImageChops.difference(red, other).getbbox() is not None for other in (green, blue))


def _lowest(image: Image.Image) -> int:
    extrema: Any = image.getextrema()
    return int(extrema[0])


def _pixels(image: Image.Image) -> Pixels:
    pixels = np.array(image, np.uint8)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
