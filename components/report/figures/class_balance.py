"""How often each label occurs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from components.report.figures.style import BLUE, CYAN, RED, WIDTH, figure

_COLOURS = (BLUE, CYAN, RED)


@figure
def class_balance(canvas: Figure, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Draws each label's part of every split.

    Args:
      canvas: Where to draw.
      counts: By split and label, images; at most three splits.
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
    """By number, where they are numbers."""
    return sorted(labels, key=lambda label: (0, int(label), "") if label.lstrip("-").isdigit() else (1, 0, label))
