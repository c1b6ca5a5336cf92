"""Reads image files of any format and size, and brings them to the shape that a model takes.

Every change is recorded, so that the commands can say what they did to an image.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, ImageOps, UnidentifiedImageError

from components.errors import ConfigurationError, DataError

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Lanczos and bicubic are sharper, but draw a halo around strokes on grey paper, which --invert makes the darkest part.
_FILTER: Final = Image.Resampling.HAMMING
# Percent of the pixels at either end that autocontrast ignores: specks, and the noise of paper.
_SPECKS: Final = 1

_UPRIGHT: Final = (None, 0, 1)
_ORIENTATION: Final = 0x0112


class Change(StrEnum):
    """A change to an image, in the order in which the changes are made."""

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
    """The format and size of an image file.

    Attributes:
      format: Pillow's name: `PNG`, `JPEG`.
      mode: Pillow's name of the pixel type: `L`, `RGB`, `RGBA`, `P`, `I;16`.
      width: In pixels, of the upright image.
      height: In pixels, of the upright image.
    """

    format: str
    mode: str
    width: int
    height: int


@dataclass(frozen=True)
class Target:
    """The shape that a model takes, and how images are brought to it.

    Attributes:
      height: Pixels.
      width: Pixels.
      channels: 1 for grey, 3 for red, green and blue.
      background: Red, green and blue, shown behind transparent pixels and beside images of another aspect ratio.
      invert: Whether light and dark are exchanged; the background is not.
      autocontrast: Whether the darkest pixels become black and the lightest white.
      usual_edge: Brightness in [0, 1] at the edge of the images that the model generates; with 0.5, no image looks inverted.
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

    The aspect ratio is kept: an image of another aspect ratio is padded with background on two sides.

    Raises:
      DataError: The range of its pixels is unknown.
    """
    format_, mode, changes = image.format or "", image.mode, []
    if format_ != "MPO" and getattr(image, "n_frames", 1) > 1:  # the second image of an MPO photo is a preview
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
      compressed: Uncompressed files of the same pixels are equal on all machines; compressed ones depend on the zlib version.
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
    """Reads a colour: its CSS name or `#rrggbb`.

    Raises:
      ConfigurationError: It is neither.
    """
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise ConfigurationError(f"'{text}' is not a colour: use a name such as black, white or grey, or #rrggbb.") from error
    return red, green, blue


def _opaque_eight_bits(image: Image.Image, format_: str) -> tuple[Image.Image, Image.Image | None, bool]:
    """The image as L or RGB, its alpha channel as L or None, and whether it had more than eight bits a channel."""
    if image.mode.startswith("I;16") or (image.mode == "I" and format_ in ("PNG", "PPM")):
        return Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8)), None, True
    if image.mode in ("I", "F"):
        raise DataError(f"has pixels of 32 bits ({image.mode}) in an unknown range: convert it to 8 or 16 bits.")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        return coloured.convert("RGB"), coloured.getchannel("A"), False
    return image.convert("L" if image.mode in ("1", "L") else "RGB"), None, False


def _fitted(image: Image.Image, target: Target) -> tuple[Image.Image, list[Change]]:
    """Resizes an L or RGB image to fit the target, keeping its aspect ratio, and converts its channels and contrast."""
    changes = []
    scale = min(target.width / image.width, target.height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if size != image.size:
        image = image.resize(size, _FILTER)
        changes.append(Change.RESIZED)
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


FORMATS: Final = ("PNG", "JPEG", "MPO", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO", "PCX", "QOI", "SGI")
"""The formats that are read. Left out: EPS, which starts another program, and formats that accept nearly any file."""

SUFFIXES: Final = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif",
    ".jp2", ".j2k", ".pbm", ".pgm", ".ppm", ".pnm", ".ico", ".pcx", ".qoi", ".sgi",
)  # fmt: skip
"""The suffixes of image files in a directory."""


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


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Opens an image file and decodes its pixels.

    Exceptions inside the block are blamed on the file too, because Pillow decodes some parts only on access.

    Raises:
      DataError: The file cannot be read, is not an image, is damaged, or is too large when decoded.
    """
    try:
        # Up to twice its limit, Pillow only warns.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_known_formats()) as image:
                image.load()
                yield image
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise DataError(f"{path} has more than {most} million pixels, the limit for decoding: scale it down.") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} {_why_unknown(path)}") from error
    except Exception as error:  # Pillow's decoders raise exceptions of many types
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        what = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise DataError(f"{path} is damaged or truncated: {what}.") from error


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _why_unknown(path: Path) -> str:
    if path.stat().st_size == 0:
        return "is empty."
    return f"is not an image in a supported format ({', '.join(FORMATS[:7])}, ...)."
