"""`history.json` beside an exported model: the losses of each epoch of its training."""

import json
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from components.settings import Section

HISTORY_FILE: Final = "history.json"
"""Beside the model."""

_BEST_EPOCH: Final = "best_epoch"


class EpochLosses(Section):
    """Means over a split, in nats per image; the squared error is a sum over pixels."""

    loss: float
    """The training objective: reconstruction loss plus the weighted KL divergence. For `eval` the weight is the full beta."""

    reconstruction_loss: float
    squared_error: float
    kl_divergence: float
    negative_elbo: float


class Epoch(Section):
    """The values of one epoch."""

    epoch: int = Field(ge=1)
    step: int = Field(ge=1)
    """Number of training steps since the start."""

    seconds: float
    learning_rate: float
    kl_weight: float
    train: EpochLosses
    """Mean over the epoch, while the weights change."""

    eval: EpochLosses
    """With the weights at the end of the epoch."""

    active_units: int
    """Latent dimensions whose posterior mean varies over the eval split (Burda et al., 2016)."""

    kl_per_dimension: tuple[float, ...]
    """Mean over the eval split for each latent dimension, in nats per image."""


class History(Section):
    """A whole training."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch | None:
        """The first epoch with the lowest eval loss."""
        return min(self.epochs, key=lambda epoch: epoch.eval.loss, default=None)

    @property
    def epochs_since_best(self) -> int:
        """Number of epochs after the best one."""
        return 0 if self.best is None else self.epochs[-1].epoch - self.best.epoch

    def plus(self, epoch: Epoch) -> "History":
        """This history and one more epoch."""
        return History(epochs=(*self.epochs, epoch))

    @property
    def seconds(self) -> float:
        """Seconds of all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)

    def curve(self, split: Literal["train", "eval"], loss: str) -> list[float]:
        """One loss of one split by epoch, in nats per image."""
        return [float(getattr(getattr(epoch, split), loss)) for epoch in self.epochs]

    def to_json(self) -> str:
        """The content of `history.json`: the epochs, and which of them was exported."""
        best_epoch = None if self.best is None else self.best.epoch
        return json.dumps({_BEST_EPOCH: best_epoch, **self.model_dump(mode="json")}, indent=2)


def read_history(model: Path) -> History | None:
    """Reads the history of a Model artifact; None if it has none, because another trainer made it."""
    path = model / HISTORY_FILE
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop(_BEST_EPOCH)
    return History.model_validate(content)
