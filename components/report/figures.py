"""The figures of the report, as PNG: image grids, scatter plots, curves, densities and bars in one style."""

import io
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy import stats

WIDTH: Final = 5.6
"""In inches. A figure fills the width of a telephone or half of a desktop page; the font is legible on both."""

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

_INCHES_PER_LETTER = 0.09

_COLOURS = (BLUE, CYAN, RED)

_MOST_IN_LEGEND = 10
_LEGEND_CHARACTERS = 60
"""In a row of the legend, about."""


def figure(plot: Callable[Concatenate[Figure, _Arguments], None]) -> Callable[_Arguments, bytes]:
    """Turns a function that draws on a figure into one that returns a PNG.

    The user's matplotlibrc does not affect the figure, and matplotlib's settings are the same afterwards.
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
    """A colour for each label, in order. After ten labels the colours repeat, so write the label beside its points too."""
    return {int(label): _CYCLE[number % len(_CYCLE)] for number, label in enumerate(np.unique(labels))}


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
      images: [rows, columns, height, width, channels] with pixels in [0, 1]; an image of NaN leaves its place empty.
      row_labels: The text to the left of each row; empty for none.
      column_labels: The text above each column; empty for none.
      gap_after: Rows that are followed by a wider gap.
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
    # Positions in inches: the images keep their aspect ratio, and the labels use the remaining space.
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


@figure
def class_balance(canvas: Figure, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Draws the share of each label in every split.

    Args:
      canvas: Where to draw.
      counts: Numbers of images by split and label; at most three splits.
    """
    canvas.set_size_inches(WIDTH, 3.4)
    axes: Any = canvas.add_subplot()
    labels = _in_order({label for of_split in counts.values() for label in of_split})
    places = np.arange(len(labels))
    width = 0.8 / len(counts)
    for number, (split, of_split) in enumerate(counts.items()):
        total = max(1, sum(of_split.values()))
        shares = [100.0 * of_split.get(label, 0) / total for label in labels]
        offset = (number - (len(counts) - 1) / 2) * width
        axes.bar(places + offset, shares, width, color=_COLOURS[number % 3], label=f"{split} ({total:,})")
    axes.axhline(100.0 / max(1, len(labels)), color="#6b7280", linewidth=0.8, linestyle=":")
    step = max(1, len(labels) // 20)
    axes.set_xticks(places[::step], labels[::step])
    axes.set_xlabel("label")
    axes.set_ylabel("% of the split")
    canvas.legend(loc="outside upper center", ncols=3)


def _in_order(labels: set[str]) -> Sequence[str]:
    """Numbers in numerical order, then other texts."""
    return sorted(labels, key=lambda label: (0, int(label), "") if label.lstrip("-").isdigit() else (1, 0, label))


@figure
def kl_per_dimension(canvas: Figure, divergences: NDArray[np.float64], active: NDArray[np.bool_]) -> None:
    """Draws the KL divergence of each dimension, the largest first.

    Args:
      canvas: Where to draw.
      divergences: KL divergence of each dimension in nats per image, [L].
      active: Whether the posterior mean of the dimension varies with the image, [L].
    """
    canvas.set_size_inches(WIDTH, 3.4)
    axes: Any = canvas.add_subplot()
    order = np.argsort(-divergences, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    for name, members, colour in (("active", active[order], BLUE), ("inactive", ~active[order], GREY)):
        if members.any():
            axes.bar(ranks[members], divergences[order][members], color=colour, label=f"{name} ({members.sum()})", width=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0.3, len(order) + 0.7)
    axes.set_xlabel("latent dimension, the largest first")
    axes.set_ylabel("KL divergence [nats]")
    canvas.legend(loc="outside upper center", ncols=2)


@figure
def beside_prior(
    canvas: Figure, codes: NDArray[np.float64], coordinates: Sequence[float], lengths: Sequence[float], beside_normal: bool
) -> None:
    """Draws the distributions of codes of images and of codes drawn from the prior.

    Args:
      canvas: Where to draw.
      codes: Samples from the aggregate posterior, [N, L].
      coordinates: Percentiles of the numbers in the prior's codes, at even distances from 0 to 100.
      lengths: Percentiles of the lengths of these codes.
      beside_normal: Whether to draw N(0, I) too.
    """
    canvas.set_size_inches(WIDTH, 3.4)
    latent_dim = codes.shape[1]
    left, right = canvas.subplots(1, 2)
    _densities(left, codes.ravel(), coordinates, stats.norm() if beside_normal else None)
    _densities(right, np.linalg.norm(codes, axis=1), lengths, stats.chi(latent_dim) if beside_normal else None)
    left.set_xlabel(f"value of a coordinate (all {latent_dim} together)")
    right.set_xlabel("length of a code")
    left.set_ylabel("density")
    canvas.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)


def _densities(axes: Any, values: NDArray[np.float64], prior: Sequence[float], normal: Any) -> None:
    lowest, highest = np.quantile(values, [0.001, 0.999])
    lowest, highest = min(lowest, prior[1]), max(highest, prior[-2])
    if normal:
        lowest, highest = min(lowest, normal.ppf(0.001)), max(highest, normal.ppf(0.999))
    margin = 0.05 * (highest - lowest) or 0.5
    bins = int(np.clip(len(values) / 25, 10, 60))
    edges = np.linspace(lowest - margin, highest + margin, bins + 1)
    # Not `density=True`, which would ignore the values outside the edges.
    each = np.full(len(values), 1 / (edges[1] - edges[0]) / len(values))
    axes.hist(values, bins=edges, weights=each, color=BLUE, alpha=0.55, label="of test images")
    below = np.interp(edges, prior, np.linspace(0, 1, len(prior)))
    axes.stairs(np.diff(below) / np.diff(edges), edges, color=RED, linewidth=2, label="drawn from the prior")
    if normal:
        places = np.linspace(edges[0], edges[-1], 300)
        axes.plot(places, normal.pdf(places), color=GREY, linestyle=":", label="N(0, I)")
    axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_locator(MaxNLocator(4))


@figure
def two_distributions(canvas: Figure, samples: Mapping[str, NDArray[np.floating[Any]]], quantity: str) -> None:
    """Draws two histograms over each other: the first one filled, the second one as an outline.

    Args:
      canvas: Where to draw.
      samples: By name, [N] and [M]. Values far outside the others are counted at the edge.
      quantity: What they are, for the axis.
    """
    canvas.set_size_inches(WIDTH, 3.4)
    axes: Any = canvas.add_subplot()
    pooled = np.concatenate([values[np.isfinite(values)] for values in samples.values()])
    lowest, highest = np.quantile(pooled, [0.002, 0.998]) if pooled.size else (0.0, 1.0)
    is_wide = lowest > 0 and highest > 20 * lowest
    edges = (np.geomspace if is_wide else np.linspace)(lowest, max(highest, lowest + 1e-6), 41)
    for (name, values), style in zip(
        samples.items(),
        ({"color": BLUE, "alpha": 0.55}, {"histtype": "step", "color": RED, "linewidth": 2}),
        strict=True,
    ):
        weights = np.full(len(values), 100.0 / max(1, len(values)))
        axes.hist(np.clip(values, *edges[[0, -1]]), bins=edges, weights=weights, label=f"{name} ({len(values):,})", **style)
    if is_wide:
        axes.set_xscale("log")
    axes.set_xlabel(quantity)
    axes.set_ylabel("% of the images")
    canvas.legend(loc="outside upper center", ncols=2)


@figure
def scatter(
    canvas: Figure,
    points: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    x_label: str,
    y_label: str,
    ticks: bool = True,
    name_of: Callable[[int], str] = str,
) -> None:
    """Draws points in the colours of their labels, and writes each label where most of its points are.

    Args:
      canvas: Where to draw.
      points: [N, 2].
      labels: [N]; None draws all points in one colour.
      x_label: Of the horizontal axis.
      y_label: Of the vertical axis.
      ticks: Whether to draw the numbers on the axes; False if they have no meaning.
      name_of: The name of a label.
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
            _write_label(axes, points[labels == label], name_of(label))
            axes.scatter([], [], s=60, color=colour, label=name_of(label))
        if len(colours) <= _MOST_IN_LEGEND:
            widest = max(len(name_of(label)) for label in colours)
            columns = max(1, min(len(colours), _LEGEND_CHARACTERS // (widest + 3)))
            canvas.legend(loc="outside upper center", ncols=columns, handletextpad=0.1, columnspacing=0.9)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if not ticks:
        axes.set_xticks([])
        axes.set_yticks([])


def _write_label(axes: Any, points: NDArray[np.float64], label: str) -> None:
    """Writes the label on the point that is nearest to the others, which lies in the label's largest cluster."""
    distances = np.abs(points[:, np.newaxis] - points[np.newaxis]).sum(axis=2)
    nearest = np.sqrt(distances).sum(axis=1).argmin()
    outline = withStroke(linewidth=3.5, foreground="white")
    axes.text(*points[nearest], label, fontsize=15, fontweight="bold", ha="center", va="center", path_effects=[outline])


@figure
def loss_curve(canvas: Figure, curves: Mapping[str, Sequence[float]], best_epoch: int | None, quantity: str) -> None:
    """Draws one loss by epoch; of a long training twice, because the first losses make a flat line of the later ones.

    Args:
      canvas: Where to draw.
      curves: By split, `train` and `eval`, one value for each epoch, in nats per image.
      best_epoch: The epoch whose weights were exported, from 1; None if it is not known.
      quantity: The name of the loss, for the axis.
    """
    limits = later_limits(curves)
    panels = [None] if limits is None else [limits, None]
    styles = {"train": (BLUE, "--"), "eval": (RED, "-")}
    for number, shown in enumerate(panels):
        axes = _axes(canvas, max(len(values) for values in curves.values()), number, len(panels))
        for split, values in curves.items():
            colour, line = styles.get(split, (GREEN, "-."))
            marker = "." if len(values) < 30 else None
            axes.plot(range(1, len(values) + 1), values, line, color=colour, label=split, marker=marker)
        if shown is not None:
            axes.set_ylim(*shown)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="#6b7280", linewidth=0.9, linestyle=":", label=f"exported: epoch {best_epoch}")
        axes.set_ylabel(f"{quantity} [nats]")
        if number == 0:
            canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)


def later_limits(curves: Mapping[str, Sequence[float]]) -> tuple[float, float] | None:
    """The range of the losses without those of the first epochs, if these would hide it."""
    later = [value for values in curves.values() for value in values[len(values) // 5 :]]
    everything = [value for values in curves.values() for value in values]
    if len(everything) < 20 or max(everything) - min(everything) < 4 * (max(later) - min(later)):
        return None
    spread = max(max(later) - min(later), 1e-6)
    return min(everything) - 0.1 * spread, max(later) + 0.6 * spread


@figure
def learning_rate_curve(canvas: Figure, rates: Sequence[float]) -> None:
    """Draws the learning rate by epoch."""
    axes = _axes(canvas, len(rates))
    axes.plot(range(1, len(rates) + 1), rates, color=GREEN, marker="." if len(rates) < 30 else None)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.set_ylabel("learning rate")


def _axes(canvas: Figure, epochs: int, number: int = 0, panels: int = 1) -> Any:
    canvas.set_size_inches(WIDTH, 0.6 + 2.8 * panels)
    axes: Any = canvas.add_subplot(panels, 1, number + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.6, epochs + 0.4)
    axes.set_xlabel("epoch")
    axes.grid(axis="y", color="#e5e7eb")
    return axes
