"""Images in rows and columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from components.report.figures.style import WIDTH, figure

_INCHES_PER_LETTER = 0.09


@figure
def image_grid(
    canvas: Figure,
    images: NDArray[np.float32],
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    gap_after: Sequence[int] = (),
) -> None:
    """Draws images beside and below each other.

    Args:
      canvas: Where to draw.
      images: [rows, columns, height, width, channels] with pixels in [0, 1]; an image that is NaN is left empty.
      row_labels: What stands to the left of each row; none if empty.
      column_labels: What stands above each column; none if empty.
      gap_after: Rows that a wider gap follows.
    """
    rows, columns, height, width, _ = images.shape
    gap = max(1, width // 14)
    tops = _tops(rows, height, gap, gap_after)
    left = [gap + column * (width + gap) for column in range(columns)]
    sheet = np.ones((tops[-1] + height + gap, left[-1] + width + gap, 3))
    for row, top in enumerate(tops):
        for column, start in enumerate(left):
            image = images[row, column, ..., :3] if images.shape[-1] > 2 else images[row, column, ..., :1]
            sheet[top : top + height, start : start + width] = np.nan_to_num(image, nan=1.0)
    # Placed by hand, in inches: the images keep their shape, and the labels have the room that is left.
    side = _INCHES_PER_LETTER * max((len(text) for text in row_labels), default=0) + (0.15 if row_labels else 0.0)
    above = 0.25 if column_labels else 0.0
    high = (WIDTH - side) * sheet.shape[0] / sheet.shape[1]
    canvas.set_size_inches(WIDTH, high + above)
    axes: Any = canvas.add_axes((side / WIDTH, 0.0, 1.0 - side / WIDTH, high / (high + above)))
    axes.imshow(np.clip(sheet, 0.0, 1.0), aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_yticks([top + height / 2 for top in tops] if row_labels else [], list(row_labels))
    axes.set_xticks([start + width / 2 for start in left] if column_labels else [], list(column_labels))
    axes.tick_params(length=0, pad=4, labeltop=True, labelbottom=False)


def _tops(rows: int, height: int, gap: int, gap_after: Sequence[int]) -> list[int]:
    tops = []
    top = gap
    for row in range(rows):
        tops.append(top)
        top += height + gap * (5 if row in gap_after else 1)
    return tops
