"""Which images a report shows. Nothing is picked by eye: the first ones, and the best and the worst."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.artifacts.images import Images


def sheet(images: Images, columns: int) -> NDArray[np.int64]:
    """The first images of each label, a row for each label; where there are none, the first images.

    Returns:
      Indices [rows, columns]; -1 where a label has fewer images.
    """
    labels = images.label_names()
    if not labels:
        rows = min(8, -(-len(images) // columns))
        return _filled(np.arange(min(len(images), rows * columns)), rows * columns).reshape(rows, columns)
    return np.stack([_filled(images.of_label(label), columns) for label in labels])


def one_of_each(images: Images, count: int) -> NDArray[np.int64]:
    """The first image of each label, then the second of each, until there are enough; without labels, the first images."""
    by_label = [list(images.of_label(label)) for label in images.label_names()]
    turns = max((len(group) for group in by_label), default=0)
    chosen = [group[turn] for turn in range(min(turns, count)) for group in by_label if turn < len(group)]
    return np.array(chosen[:count] or range(min(count, len(images))), np.int64)


def best_and_worst(images: Images, losses: NDArray[np.float32], columns: int) -> tuple[list[str], NDArray[np.int64]]:
    """The images with the lowest and the highest loss: of each label, or of all where there are none.

    Returns:
      Names of the columns, none without labels; indices [2, columns], the best above the worst.
    """
    labels = images.label_names()
    if not labels:
        order = np.argsort(losses, kind="stable")
        count = min(columns, len(order))
        return [], np.stack([order[:count], order[::-1][:count]])
    members = [images.of_label(label) for label in labels]
    best = [group[np.argmin(losses[group])] for group in members]
    worst = [group[np.argmax(losses[group])] for group in members]
    return [str(label) for label in labels], np.array([best, worst])


def pairs(images: Images, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Images to interpolate between: the first one of each label; where a label has none, the next two images.

    Returns:
      Indices of starts and ends; fewer than wanted if there are not enough images.
    """
    chosen = []
    for number, (start, end) in enumerate(wanted):
        starts, ends = images.of_label(start), images.of_label(end)
        if len(starts) and len(ends):
            chosen.append((int(starts[0]), int(ends[-1] if start == end else ends[0])))
        elif 2 * number + 1 < len(images):
            chosen.append((2 * number, 2 * number + 1))
    return chosen


def _filled(indices: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate([indices[:length], np.full(max(0, length - len(indices)), -1)])
