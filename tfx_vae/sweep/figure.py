"""Draws rate against distortion."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from components.report.figures import WIDTH, figure, label_colours

_MARKERS = "osD^vPX*<>"
_LABEL_PIXELS = 45


class Point(NamedTuple):
    """The result of one variant, as means over the test split.

    Attributes:
      latent_dim: Dimensions of the code.
      beta: Weight of the KL divergence.
      rate: KL divergence in nats per image.
      distortion: Reconstruction loss in nats per image.
    """

    latent_dim: int
    beta: float
    rate: float
    distortion: float


@figure
def rate_distortion(canvas: Figure, points: Sequence[Point]) -> None:
    """Draws the KL divergence against the reconstruction loss: Alemi et al., 2018, "Fixing a Broken ELBO", figure 1.

    Args:
      canvas: Where to draw.
      points: One for each variant; points of one latent size are connected in the order of beta.
    """
    canvas.set_size_inches(WIDTH, WIDTH * 0.95)
    axes: Any = canvas.add_subplot()
    colours = label_colours(np.array([point.latent_dim for point in points]))
    for number, (latent_dim, colour) in enumerate(colours.items()):
        line = sorted((point for point in points if point.latent_dim == latent_dim), key=lambda point: point.beta)
        axes.plot(
            [point.rate for point in line],
            [point.distortion for point in line],
            color=colour,
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=8,
            markerfacecolor="white",
            markeredgewidth=2,
            label=str(latent_dim),
        )
    axes.margins(0.12)
    _write_betas(axes, points)
    _draw_equal_elbo(axes, [point.rate + point.distortion for point in points])
    axes.set_xlabel("rate: KL divergence [nats per image]")
    axes.set_ylabel("distortion: reconstruction loss [nats per image]")
    canvas.legend(title="latent size", loc="outside upper center", ncols=min(6, len(colours)))


def _write_betas(axes: Any, points: Sequence[Point]) -> None:
    """Writes beta beside the points; points of one beta that lie close together share a label."""
    # This sets the limits of the axes, which distances on the figure depend on.
    axes.autoscale_view()
    written: list[tuple[float, NDArray[np.float64]]] = []
    for point in points:
        place = axes.transData.transform((point.rate, point.distortion))
        if any(beta == point.beta and np.hypot(*(place - other)) < _LABEL_PIXELS for beta, other in written):
            continue
        written.append((point.beta, place))
        axes.annotate(
            f"β={point.beta:g}",
            (point.rate, point.distortion),
            xytext=(7, 6),
            textcoords="offset points",
            fontsize=9,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )


def _draw_equal_elbo(axes: Any, totals: Sequence[float]) -> None:
    """Draws dotted lines of equal negative ELBO, which is rate plus distortion."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for total in np.linspace(min(totals), max(totals), 4) if max(totals) > min(totals) else totals[:1]:
        axes.plot([left, right], [total - left, total - right], ":", color="#6b7280", linewidth=0.9, zorder=0)
        # Where the line leaves the figure, at the upper or the left edge.
        x, y = (left, total - left) if total - left < top else (total - top, top)
        if left <= x <= right and bottom <= y <= top:
            axes.annotate(f"{total:.0f}", (x, y), xytext=(4, -11), textcoords="offset points", fontsize=8, color="#6b7280")
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
