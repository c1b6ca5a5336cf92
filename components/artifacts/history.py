"""Learning curves: what each epoch gave."""

import json
from typing import Any, Final

import tensorflow as tf
from pydantic import Field

from components.settings import Section

HISTORY_FILE: Final = "history.json"
"""Beside the model."""


class EpochLosses(Section):
    """Means over a split, in nats per image; the squared error is a sum over pixels."""

    loss: float
    """The training objective: reconstruction loss plus the weighted KL divergence. For `eval` the weight is the full beta."""

    reconstruction_loss: float
    squared_error: float
    kl_divergence: float
    negative_elbo: float


class Epoch(Section):
    """What one pass over the training split gave."""

    epoch: int = Field(ge=1)
    step: int = Field(ge=1)
    """Training steps since the start."""

    seconds: float
    learning_rate: float
    kl_weight: float
    train: EpochLosses
    """Averaged over the epoch, while the weights changed."""

    eval: EpochLosses
    """With the weights at the end of the epoch."""

    active_units: int
    """Latent dimensions whose posterior mean varies over the eval split (Burda et al., 2016)."""

    kl_per_dimension: tuple[float, ...]
    """Nats per image of each latent dimension, over the eval split."""


class History(Section):
    """A whole training."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch | None:
        """The first epoch with the lowest eval loss."""
        return min(self.epochs, key=lambda epoch: epoch.eval.loss, default=None)

    @property
    def epochs_since_best(self) -> int:
        """How many epochs came after the best one."""
        return 0 if self.best is None else self.epochs[-1].epoch - self.best.epoch

    def plus(self, epoch: Epoch) -> "History":
        """This history and one more epoch."""
        return History(epochs=(*self.epochs, epoch))

    def summary(self) -> dict[str, Any]:
        """What `history.json` holds: the epochs, and which of them was exported."""
        return {"best_epoch": None if self.best is None else self.best.epoch, **self.model_dump(mode="json")}

    def write(self, path: str) -> None:
        """Writes `history.json`."""
        with tf.io.gfile.GFile(path, "w") as file:
            json.dump(self.summary(), file, indent=2)


class LearningCurves:
    """Writes a history as TensorBoard logs, one run for each split."""

    def __init__(self, directory: str, history: History) -> None:
        """Opens the logs and writes the epochs that an interrupted training already had.

        Args:
          directory: Where TensorBoard looks; each split gets a folder of its own.
          history: The epochs so far.
        """
        self._writers = {split: tf.summary.create_file_writer(f"{directory}/{split}") for split in ("train", "eval")}
        for epoch in history.epochs:
            self.add(epoch)

    def add(self, epoch: Epoch) -> None:
        """Writes one epoch."""
        for split, losses in (("train", epoch.train), ("eval", epoch.eval)):
            with self._writers[split].as_default(step=epoch.epoch):
                for name, value in losses.model_dump().items():
                    tf.summary.scalar(name, value)
        with self._writers["eval"].as_default(step=epoch.epoch):
            tf.summary.scalar("active_units", epoch.active_units)
            tf.summary.histogram("kl_per_dimension", epoch.kl_per_dimension)
        with self._writers["train"].as_default(step=epoch.epoch):
            tf.summary.scalar("learning_rate", epoch.learning_rate)
            tf.summary.scalar("kl_weight", epoch.kl_weight)
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Closes the logs."""
        for writer in self._writers.values():
            writer.close()
