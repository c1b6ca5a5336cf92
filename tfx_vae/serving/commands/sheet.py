"""Sheets of images: each pixel is drawn as a square of whole pixels, with labels in small print."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from components.artifacts.image_files import Pixels
from components.errors import ConfigurationError

MOST_PIXELS: Final = 2**24
"""The pixels of all images on one sheet: 21,399 images of 28x28."""

_WIDTH: Final = 1200
_LARGEST_SCALE: Final = 8
_PAPER, _FRAME, _INK = (255, 255, 255), (209, 213, 219), (31, 41, 55)
_FONT_SIZE: Final = 13
_LABEL_HEIGHT: Final = 19
_ELLIPSIS: Final = "…"
_MARK: Final = ("Software", "tfx-vae")
_MARKED_BYTES: Final = 100


@dataclass(frozen=True)
class Sheet:
    """Images in groups of rows.

    Attributes:
      rows: Each uint8 [N, height, width, channels]; the n-th images of all rows are drawn below each other.
      columns: Images beside each other before the next group of rows starts.
      row_labels: To the left of each row; none if empty.
      labels: Below the n-th images; none if empty.
      title: Above all images; none if empty.
    """

    rows: Sequence[Pixels]
    columns: int
    row_labels: Sequence[str] = ()
    labels: Sequence[str] = ()
    title: str = ""

    def png(self) -> bytes:
        """The sheet as a PNG file, which says that it is one: see `is_sheet`."""
        file, mark = BytesIO(), PngInfo()
        mark.add_text(*_MARK)
        _Drawing(self).draw().save(file, "PNG", pnginfo=mark)
        return file.getvalue()


def is_sheet(path: Path) -> bool:
    """Whether a file is a sheet that a command drew; false if it cannot be read."""
    try:
        with path.open("rb") as file:
            return "\0".join(_MARK).encode() in file.read(_MARKED_BYTES)
    except OSError:
        return False


def check_size(images: int, height: int, width: int) -> None:
    """Raises ConfigurationError if a sheet cannot hold that many images."""
    most = MOST_PIXELS // (height * width)
    if images > most:
        raise ConfigurationError(
            f"{images} images of {width}x{height} pixels are too many for a sheet, which holds {most}: use --json."
        )


class _Drawing:
    """The layout of a sheet, in pixels."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._count, height, width, _ = sheet.rows[0].shape
        self._font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", _FONT_SIZE)
        self._scale = max(1, min(_LARGEST_SCALE, _WIDTH // (sheet.columns * (width + 1))))
        self._image_width, self._image_height = width * self._scale, height * self._scale
        self._gap = max(1, self._scale)
        beside = max((int(self._font.getlength(text)) + 10 for text in sheet.row_labels), default=0)
        self._left = self._gap + beside
        self._top = self._gap + (_LABEL_HEIGHT if sheet.title else 0)
        labels = _LABEL_HEIGHT if sheet.labels else 0
        self._group_height = len(sheet.rows) * (self._image_height + self._gap) + labels
        # A gap shows which rows belong together.
        self._group_gap = 2 * self._gap if len(sheet.rows) > 1 else 0

    def draw(self) -> Image.Image:
        groups = -(-self._count // self._sheet.columns)
        width = self._left + self._sheet.columns * (self._image_width + self._gap)
        height = self._top + groups * (self._group_height + self._group_gap) - self._group_gap
        paper = Image.new("RGB", (width, height), _PAPER)
        draw = ImageDraw.Draw(paper)
        if self._sheet.title:
            title = self._shortened(self._sheet.title, width - 2 * self._gap)
            draw.text((self._gap, self._top - self._gap - 3), title, _INK, self._font, "ls")
        for group in range(groups):
            top = self._top + group * (self._group_height + self._group_gap)
            self._draw_group(paper, draw, range(group * self._sheet.columns, self._count)[: self._sheet.columns], top)
        return paper

    def _draw_group(self, paper: Image.Image, draw: ImageDraw.ImageDraw, indices: range, top: int) -> None:
        for row, images in enumerate(self._sheet.rows):
            row_top = top + row * (self._image_height + self._gap)
            if self._sheet.row_labels:
                middle = row_top + self._image_height // 2
                draw.text((self._left - self._gap - 5, middle), self._sheet.row_labels[row], _INK, self._font, "rm")
            for column, index in enumerate(indices):
                self._draw_image(paper, draw, images[index], (self._x(column), row_top))
        for column, index in enumerate(indices):
            if self._sheet.labels:
                label = self._shortened(self._sheet.labels[index], self._image_width)
                place = self._x(column) + self._image_width // 2, top + self._group_height - self._gap - 3
                draw.text(place, label, _INK, self._font, "ms")

    def _draw_image(self, paper: Image.Image, draw: ImageDraw.ImageDraw, pixels: Pixels, place: tuple[int, int]) -> None:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        size = self._image_width, self._image_height
        paper.paste(image.resize(size, Image.Resampling.NEAREST), place)
        # Without a frame, light images merge with the paper.
        corner = place[0] + size[0], place[1] + size[1]
        draw.rectangle((place[0] - 1, place[1] - 1, *corner), outline=_FRAME)

    def _x(self, column: int) -> int:
        return self._left + column * (self._image_width + self._gap)

    def _shortened(self, text: str, width: int) -> str:
        """A text no wider than that. Its middle is cut out, because file names often differ at the end."""
        kept = len(text)
        shown = text
        while kept > 2 and self._font.getlength(shown) > width:
            kept -= 1
            shown = text[: kept // 2] + _ELLIPSIS + text[len(text) - (kept - kept // 2) :]
        return shown


def to_bytes(images: np.ndarray) -> Pixels:
    """Pixels in [0, 1] rounded to 0 ... 255."""
    return np.round(np.clip(images, 0.0, 1.0) * 255).astype(np.uint8)


def square(count: int) -> int:
    """The number of columns that makes a sheet about as wide as it is high."""
    return math.isqrt(count - 1) + 1
