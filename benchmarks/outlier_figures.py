"""Draws the results of benchmarks/outliers.py in the style of the reports."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray
from outlier_images import DIGITS, Pixels

from components.report.figures import BLUE, CYAN, GREEN, GREY, OLIVE, PURPLE, RED, SAND, WIDTH, WINE, figure

Values = NDArray[np.float64]

_ROW: Final = 0.52
_NAMES: Final = 1.45
_BINS: Final = 70
_REFERENCE: Final = "#c9ced6"

_SHOWN: Final = 250
_COLOURS: Final = (BLUE, RED, SAND, GREEN, CYAN, WINE, PURPLE, OLIVE)
_MARKERS: Final = "sv^D<P*X"
# These have the same positions as others, and would hide them.
_LEFT_OUT: Final = ("two digits at once", "mirrored digits", "half the contrast")


def draw_histograms(images: dict[str, Pixels], scores: dict[str, Values], path: Path) -> None:
    """Draws a histogram of the scores of each kind of images, and that of the digits behind it."""
    path.write_bytes(_histograms(images, scores))
    print(path)


def draw_complexity(points: dict[str, tuple[Values, Values]], path: Path) -> None:
    """Draws the score of images against their compressed size in bytes."""
    path.write_bytes(_complexity({name: values for name, values in points.items() if name not in _LEFT_OUT}))
    print(path)


@figure
def _histograms(canvas: Figure, images: dict[str, Pixels], scores: dict[str, Values]) -> None:
    others = [name for name in scores if name != DIGITS]
    canvas.set_size_inches(WIDTH, _ROW * len(others) + 0.9)
    everything = np.concatenate(list(scores.values()))
    bins = np.geomspace(everything.min() * 0.9, everything.max() * 1.1, _BINS)
    widths = [_ROW, _NAMES, WIDTH - _ROW - _NAMES]
    rows: Any = canvas.subplots(len(others), 3, sharex="col", gridspec_kw={"width_ratios": widths, "hspace": 0.0})
    for (picture, label, axes), name in zip(rows, others, strict=True):
        picture.imshow(images[name][1, ..., 0], cmap="gray", vmin=0, vmax=255)
        picture.set(xticks=[], yticks=[])
        picture.spines[["top", "right"]].set_visible(True)
        label.text(0.0, 0.4, name, va="center", fontsize=9.5)
        label.set_axis_off()
        for values, colour in ((scores[DIGITS], _REFERENCE), (scores[name], BLUE)):
            counts, _ = np.histogram(values, bins)
            axes.fill_between(bins[:-1], counts / counts.max(), step="post", color=colour, alpha=0.85, linewidth=0)
        axes.set_xscale("log")
        axes.set(ylim=(0, 1.15), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.tick_params(which="both", bottom=name == others[-1])
    rows[-1][2].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    rows[-1][2].set_xlabel("negative ELBO, nats per image\n(grey: MNIST test digits)")


@figure
def _complexity(canvas: Figure, points: dict[str, tuple[Values, Values]]) -> None:
    canvas.set_size_inches(WIDTH, 0.95 * WIDTH)
    axes: Any = canvas.subplots()
    others = [name for name in points if name != DIGITS]
    looks = {DIGITS: (GREY, "o"), **dict(zip(others, zip(_COLOURS, _MARKERS, strict=True), strict=False))}
    for name, (lengths, scores) in points.items():
        colour, marker = looks[name]
        axes.scatter(lengths[:_SHOWN], scores[:_SHOWN], 14, colour, marker, alpha=0.6, linewidth=0, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("bytes of the 784 pixels when zlib has compressed them")
    axes.set_ylabel("negative ELBO, nats per image")
    legend = canvas.legend(loc="outside lower center", ncols=3, fontsize=8.5, markerscale=1.6, handletextpad=0.2)
    for handle in filter(None, legend.legend_handles):
        handle.set_alpha(1.0)
