"""Codes as points in a plane."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from components.report.figures.style import BLUE, WIDTH, figure, label_colours

_MOST_IN_LEGEND = 10


@figure
def scatter(
    canvas: Figure,
    points: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    x_label: str,
    y_label: str,
    ticks: bool = True,
) -> None:
    """Draws points in the colours of their labels, and each label where most of its points are.

    Args:
      canvas: Where to draw.
      points: [N, 2].
      labels: [N]; None draws all in one colour.
      x_label: Of the horizontal axis.
      y_label: Of the vertical axis.
      ticks: Whether the axes' numbers mean anything.
    """
    canvas.set_size_inches(WIDTH, WIDTH * 0.95)
    axes: Any = canvas.add_subplot()
    size = np.clip(16_000 / len(points), 7, 40)
    if labels is None:
        axes.scatter(*points.T, s=size, color=BLUE, alpha=0.5, linewidths=0)
    else:
        colours = label_colours(labels)
        axes.scatter(*points.T, s=size, c=[colours[int(label)] for label in labels], alpha=0.65, linewidths=0)
        for label, colour in colours.items():
            _write_label(axes, points[labels == label], str(label))
            axes.scatter([], [], s=60, color=colour, label=str(label))
        if len(colours) <= _MOST_IN_LEGEND:
            canvas.legend(loc="outside upper center", ncols=len(colours), handletextpad=0.1, columnspacing=0.9)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if not ticks:
        axes.set_xticks([])
        axes.set_yticks([])


def _write_label(axes: Any, points: NDArray[np.float64], label: str) -> None:
    """On the point that is nearest to the others, and so within the label's largest cluster."""
    distances = np.abs(points[:, np.newaxis] - points[np.newaxis]).sum(axis=2)
    nearest = np.sqrt(distances).sum(axis=1).argmin()
    outline = withStroke(linewidth=3.5, foreground="white")
    axes.text(*points[nearest], label, fontsize=15, fontweight="bold", ha="center", va="center", path_effects=[outline])
