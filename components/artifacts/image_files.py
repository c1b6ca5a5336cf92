"""Decodes image files of any format: what an image file means is decided here, for training and for serving.

An image becomes 8-bit grey (`L`) or red, green and blue (`RGB`), in its own size: upright as its EXIF orientation says, of an
animation the first frame, transparent parts on a background. Imports neither tensorflow nor tfx.
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from components.errors import ConfigurationError, DataError

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

BLACK: Final[Colour] = (0, 0, 0)

FORMATS: Final = ("PNG", "JPEG", "MPO", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO", "PCX", "QOI", "SGI")
"""The formats that are read. Left out: EPS, which starts another program, and formats that accept nearly any file."""

SUFFIXES: Final = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif",
    ".jp2", ".j2k", ".pbm", ".pgm", ".ppm", ".pnm", ".ico", ".pcx", ".qoi", ".sgi",
)  # fmt: skip
"""The suffixes of image files in a directory."""

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
    CROPPED = "cropped"


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
class Decoded:
    """An upright image of eight bits a channel, in the size of its file.

    Attributes:
      image: `L` or `RGB`; what lies behind transparent parts is unspecified.
      alpha: `L`; None if no part is transparent.
      original: Format and size of the file.
      changes: In the order in which they were made.
    """

    image: Image.Image
    alpha: Image.Image | None
    original: Original
    changes: tuple[Change, ...]

    def laid_on(self, background: Colour) -> Image.Image:
        """The image without transparency: `RGB` if it or the background is coloured, else `L`."""
        return self.image if self.alpha is None else lay_on(self.image, self.alpha, background)


def decode(image: Image.Image) -> Decoded:
    """Takes the first frame, turns it upright, and reduces it to eight bits and one or three channels.

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
    return Decoded(image, alpha, original, tuple(changes))


def canonical_image(content: bytes, name: str, background: Colour = BLACK, mode: str | None = None) -> Image.Image:
    """The image of a file as it is trained on, except for its size.

    Args:
      content: The file's bytes.
      name: The file's name, for messages.
      background: Shown behind transparent pixels.
      mode: `L` or `RGB` to convert to; None keeps grey images grey.

    Raises:
      DataError: It is not an image, is damaged, too large when decoded, or the range of its pixels is unknown.
    """
    with opened(content, name) as image:
        canonical = decode(image).laid_on(background)
    return canonical if mode in (None, canonical.mode) else canonical.convert(mode)


def pixels_digest(image: Image.Image) -> bytes:
    """SHA-256 of the mode, size and pixels of an image: equal for the same image in two files of different formats."""
    head = f"{image.mode} {image.width} {image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).digest()


def lay_on(image: Image.Image, alpha: Image.Image, background: Colour) -> Image.Image:
    """Shows a background where `alpha` is low: `RGB` if the `L` or `RGB` image or the background is coloured, else `L`."""
    mode = image.mode if len(set(background)) == 1 else "RGB"
    return Image.composite(image.convert(mode), plain(image.size, background, mode), alpha)


def plain(size: tuple[int, int], colour: Colour, mode: str) -> Image.Image:
    """An image of one colour, `L` or `RGB`."""
    return Image.new("RGB", size, colour).convert(mode)


def encode_png(pixels: Pixels, compressed: bool = True) -> bytes:
    """The image as a PNG file.

    Args:
      pixels: uint8 [height, width, channels].
      compressed: Uncompressed files of the same pixels are equal on all machines; compressed ones depend on the zlib version.
    """
    return as_png(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), compressed)


def as_png(image: Image.Image, compressed: bool = True) -> bytes:
    """The image as a PNG file without metadata; see `encode_png`."""
    file = BytesIO()
    bare = Image.frombytes(image.mode, image.size, image.tobytes())  # Pillow would write a colour profile, for example
    bare.save(file, "PNG", compress_level=6 if compressed else 0)
    return file.getvalue()


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


@contextmanager
def opened(file: Path | bytes, name: str | None = None) -> Iterator[Image.Image]:
    """Opens an image file and decodes its pixels.

    Exceptions inside the block are blamed on the file too, because Pillow decodes some parts only on access.

    Args:
      file: Its path, or its content.
      name: What messages call it; None is its path.

    Raises:
      DataError: The file cannot be read, is not an image, is damaged, or is too large when decoded.
    """
    name = name or (str(file) if isinstance(file, Path) else "The image")
    try:
        # Up to twice its limit, Pillow only warns.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(file) if isinstance(file, bytes) else file, formats=_known_formats()) as image:
                image.load()
                yield image
    except DataError as error:
        raise DataError(f"{name} {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        most = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise DataError(f"{name} has more than {most} million pixels, the limit for decoding: scale it down.") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{name} {_why_unknown(file)}") from error
    except Exception as error:  # Pillow's decoders raise exceptions of many types
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{name} cannot be read: {error.strerror}.") from error
        what = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise DataError(f"{name} is damaged or truncated: {what}.") from error


def _opaque_eight_bits(image: Image.Image, format_: str) -> tuple[Image.Image, Image.Image | None, bool]:
    """The image as L or RGB, its alpha channel as L if it hides anything, and whether it had more than eight bits a channel."""
    if image.mode.startswith("I;16") or (image.mode == "I" and format_ in ("PNG", "PPM")):
        return Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8)), None, True
    if image.mode in ("I", "F"):
        raise DataError(f"has pixels of 32 bits ({image.mode}) in an unknown range: convert it to 8 or 16 bits.")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        alpha = with_alpha.getchannel("A")
        return with_alpha.convert(_mode_of(image)), alpha if _lowest(alpha) < 255 else None, False
    return image.convert(_mode_of(image)), None, False


def _mode_of(image: Image.Image) -> str:
    """`L` for a grey image, which may have a palette of greys, as every GIF has one; else `RGB`."""
    if image.mode == "P":
        palette = image.getpalette() or []
        return "L" if palette[::3] == palette[1::3] == palette[2::3] else "RGB"
    return "L" if image.mode in ("1", "L", "LA", "La") else "RGB"


def _lowest(image: Image.Image) -> int:
    extrema: Any = image.getextrema()
    return int(extrema[0])


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _why_unknown(file: Path | bytes) -> str:
    if (len(file) if isinstance(file, bytes) else file.stat().st_size) == 0:
        return "is empty."
    return f"is not an image in a supported format ({', '.join(FORMATS[:7])}, ...)."
