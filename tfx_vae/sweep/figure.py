"""Draws rate against distortion, and the loss by one or two settings."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from components.artifacts.tuning import shown
from components.report.figures import WIDTH, figure, label_colours

_MARKERS = "osD^vPX*<>"
_SIDES = ((7, 6, "left"), (-8, -13, "right"))


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
    betas = sorted({point.beta for point in points})
    for point in points:
        _write(axes, f"β={point.beta:g}", (point.rate, point.distortion), betas.index(point.beta))
    _draw_equal_elbo(axes, [point.rate + point.distortion for point in points])
    axes.set_xlabel("rate: KL divergence [nats per image]")
    axes.set_ylabel("distortion: reconstruction loss [nats per image]")
    canvas.legend(title="latent size", loc="outside upper center", ncols=min(6, len(colours)))


def _write(axes: Any, text: str, place: tuple[float, float], number: int = 0) -> None:
    """Writes beside a point; the number of the point decides on which side, so that labels of neighbours differ."""
    x, y, align = _SIDES[number % len(_SIDES)]
    outline = [withStroke(linewidth=3, foreground="white")]
    axes.annotate(text, place, xytext=(x, y), textcoords="offset points", fontsize=9, ha=align, path_effects=outline)


@figure
def loss_by_setting(canvas: Figure, points: Sequence[tuple[Sequence[Any], float]], names: Sequence[str]) -> None:
    """Draws the negative ELBO by one setting, a line for each value of the other.

    Args:
      canvas: Where to draw.
      points: The values of one or two settings, and the negative ELBO in nats per image.
      names: Of the settings.
    """
    canvas.set_size_inches(WIDTH, WIDTH * 0.8)
    axes: Any = canvas.add_subplot()
    values = _ordered(settings[0] for settings, _ in points)
    lines = _ordered(settings[1] if len(settings) > 1 else None for settings, _ in points)
    colours = label_colours(np.arange(len(lines)))
    for number, line in enumerate(lines):
        of_line = {shown(settings[0]): loss for settings, loss in points if len(settings) == 1 or settings[1] == line}
        places = [place for place, value in enumerate(values) if shown(value) in of_line]
        losses = [of_line[shown(values[place])] for place in places]
        style = {"color": colours[number], "marker": _MARKERS[number % len(_MARKERS)], "label": shown(line)}
        axes.plot(places, losses, markersize=8, markerfacecolor="white", markeredgewidth=2, **style)
        for place, loss in zip(places, losses, strict=True):
            _write(axes, f"{loss:.1f}", (place, loss))
    axes.margins(0.12)
    axes.set_xticks(range(len(values)), [shown(value) for value in values])
    axes.set_xlabel(names[0])
    axes.set_ylabel("negative ELBO [nats per image]")
    if len(names) > 1:
        canvas.legend(title=names[1], loc="outside upper center", ncols=min(6, len(lines)))


def _ordered(values: Iterable[Any]) -> list[Any]:
    """Different values, numbers by size, others in their order."""
    different: list[Any] = []
    for value in values:
        if value not in different:
            different.append(value)
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in different)
    return sorted(different) if are_numbers else different


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
