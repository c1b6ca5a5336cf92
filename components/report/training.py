"""How the training went, from the `history.json` beside the model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.artifacts.history import HISTORY_FILE


@dataclass(frozen=True)
class Training:
    """The epochs of a training.

    Attributes:
      epochs: As `components.artifacts.history.Epoch` has them.
      best_epoch: The one whose weights were exported, from 1.
    """

    epochs: Sequence[Mapping[str, Any]]
    best_epoch: int | None

    def curve(self, split: str, loss: str) -> list[float]:
        """One loss of one split by epoch, in nats per image."""
        return [float(epoch[split][loss]) for epoch in self.epochs]

    @property
    def seconds(self) -> float:
        """Of all epochs."""
        return sum(float(epoch["seconds"]) for epoch in self.epochs)


def read_training(model: Path) -> Training | None:
    """Reads the history of a Model artifact; None if it has none, because something else trained it."""
    path = model / HISTORY_FILE
    if not path.is_file():
        return None
    history = json.loads(path.read_text())
    return Training(history["epochs"], history["best_epoch"]) if history["epochs"] else None
