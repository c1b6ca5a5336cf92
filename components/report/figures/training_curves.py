"""What each epoch gave."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from components.report.figures.style import BLUE, GREEN, RED, WIDTH, figure


@figure
def loss_curve(canvas: Figure, curves: Mapping[str, Sequence[float]], best_epoch: int | None, quantity: str) -> None:
    """Draws one loss by epoch.

    Args:
      canvas: Where to draw.
      curves: By split, `train` and `eval`, one value for each epoch, in nats per image.
      best_epoch: The epoch whose weights were exported, from 1; None if nobody knows.
      quantity: What is drawn, for the axis.
    """
    axes = _axes(canvas, max(len(values) for values in curves.values()))
    styles = {"train": (BLUE, "--"), "eval": (RED, "-")}
    for split, values in curves.items():
        colour, line = styles.get(split, (GREEN, "-."))
        axes.plot(range(1, len(values) + 1), values, line, color=colour, label=split, marker="." if len(values) < 30 else None)
    _show_later_epochs(axes, curves)
    if best_epoch is not None:
        axes.axvline(best_epoch, color="#6b7280", linewidth=0.9, linestyle=":", label=f"exported: epoch {best_epoch}")
    axes.set_ylabel(f"{quantity} [nats]")
    canvas.legend(loc="outside upper center", ncols=3)


@figure
def learning_rate_curve(canvas: Figure, rates: Sequence[float]) -> None:
    """Draws the learning rate by epoch."""
    axes = _axes(canvas, len(rates))
    axes.plot(range(1, len(rates) + 1), rates, color=GREEN, marker="." if len(rates) < 30 else None)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    axes.set_ylabel("learning rate")


def _axes(canvas: Figure, epochs: int) -> Any:
    canvas.set_size_inches(WIDTH, 3.4)
    axes: Any = canvas.add_subplot()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.6, epochs + 0.4)
    axes.set_xlabel("epoch")
    axes.grid(axis="y", color="#e5e7eb")
    return axes


def _show_later_epochs(axes: Any, curves: Mapping[str, Sequence[float]]) -> None:
    """Cuts off the first epochs of a long training, beside which all later ones would look like one line."""
    later = [value for values in curves.values() for value in values[len(values) // 5 :]]
    everything = [value for values in curves.values() for value in values]
    if len(everything) < 20 or max(everything) - min(everything) < 4 * (max(later) - min(later)):
        return
    spread = max(max(later) - min(later), 1e-6)
    axes.set_ylim(min(everything) - 0.1 * spread, max(later) + 0.6 * spread)
