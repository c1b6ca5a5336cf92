"""What all figures have in common: size, fonts, colours, and that the same arrays give the same bytes."""

import io
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

WIDTH: Final = 5.6
"""Inches. A figure fills a telephone or half of a desktop's page; the font is legible on both."""

_DPI: Final = 160
_SETTINGS: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.edgecolor": "#6b7280",
    "axes.labelcolor": "#1f2937",
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "text.color": "#1f2937",
    "legend.frameon": False,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
}

# Paul Tol's "muted" scheme, https://sronpersonalpages.nl/~pault/, whose colours differ for every kind of colour vision.
BLUE, RED, SAND, GREEN, CYAN, WINE, TEAL, OLIVE, PURPLE, GREY = (
    "#332288", "#CC6677", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#777777",
)  # fmt: skip
_CYCLE: Final = (BLUE, RED, SAND, GREEN, CYAN, WINE, TEAL, OLIVE, PURPLE, GREY)

_Arguments = ParamSpec("_Arguments")


def figure(plot: Callable[Concatenate[Figure, _Arguments], None]) -> Callable[_Arguments, bytes]:
    """Turns a function that draws on a figure into one that returns a PNG.

    Whatever a person's matplotlibrc says, the picture is the same, and nothing outside it changes.
    """

    @wraps(plot)
    def drawn(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> bytes:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_SETTINGS)
            canvas = Figure(figsize=(WIDTH, WIDTH), layout="constrained")
            plot(canvas, *args, **kwargs)
            png = io.BytesIO()
            canvas.savefig(png, format="png", dpi=_DPI, metadata={"Software": None})
        return png.getvalue()

    return drawn


def label_colours(labels: NDArray[np.int64]) -> dict[int, str]:
    """A colour for each label, in their order; beyond ten they come again, so write the label beside its points too."""
    return {int(label): _CYCLE[number % len(_CYCLE)] for number, label in enumerate(np.unique(labels))}
