"""Image files: which there are, and opening one so that whatever is wrong with it is one sentence."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from components.errors import ConfigurationError, DataError

FORMATS: Final = ("PNG", "JPEG", "MPO", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM", "ICO", "PCX", "QOI", "SGI")
"""What is read. Not all that Pillow knows: EPS starts another program, and some formats take nearly any file for theirs."""

SUFFIXES: Final = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif",
    ".jp2", ".j2k", ".pbm", ".pgm", ".ppm", ".pnm", ".ico", ".pcx", ".qoi", ".sgi",
)  # fmt: skip
"""Which files of a directory are taken for images."""


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, and for each directory all images below it, in the order of their paths.

    Args:
      paths: Files and directories. Below a directory, what has not the suffix of an image or begins with a dot is left out.

    Raises:
      ConfigurationError: One is not there, or a directory has no image in it.
    """
    return [image for path in paths for image in _images_of(path)]


def _images_of(path: Path) -> list[Path]:
    if path.is_dir():
        images = sorted(_images_below(path))
        if not images:
            raise ConfigurationError(
                f"There is no image in the directory {path} (a file that ends in {', '.join(SUFFIXES[:3])} or the like)."
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
    """The image in a file, with its pixels read.

    What fails within the block is the file's fault too: Pillow decodes some things only when they are asked for.

    Raises:
      DataError: The file cannot be read, is no image, is damaged, or is too large when decoded.
    """
    try:
        # Between the limit and twice the limit Pillow only warns.
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
        raise DataError(f"{path} has more than {most} million pixels, which are not decoded: scale it down.") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} {_why_unknown(path)}") from error
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
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
    return f"is not an image that can be read: {', '.join(FORMATS[:7])} and the like are."
