"""A contact sheet: some images of a folder, beside one another in one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image

MOST: Final = 100
"""Images on a sheet."""
_COLUMNS: Final = 10
_EDGE: Final = 96
_GAP: Final = 4
_GREY: Final = (128, 128, 128)


def thumbnail(image: Image.Image) -> Image.Image:
    """The image, no larger than its place on the sheet; small images are enlarged to whole multiples."""
    factor = _EDGE // max(image.size)
    if factor > 1:
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    small = image.copy()
    small.thumbnail((_EDGE, _EDGE))
    return small


def write_sheet(thumbnails: Sequence[Image.Image], path: Path) -> None:
    """Writes a PNG file.

    Args:
      thumbnails: One at least.
      path: The file, which is replaced if it exists.
    """
    rows = -(-len(thumbnails) // _COLUMNS)
    step = _EDGE + _GAP
    sheet = Image.new("RGB", (min(len(thumbnails), _COLUMNS) * step + _GAP, rows * step + _GAP), _GREY)
    for number, image in enumerate(thumbnails):
        left, top = number % _COLUMNS * step + _GAP, number // _COLUMNS * step + _GAP
        sheet.paste(image, (left + (_EDGE - image.width) // 2, top + (_EDGE - image.height) // 2))
    sheet.save(path, format="PNG")
