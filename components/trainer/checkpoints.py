"""What a training writes while it runs: checkpoints, from which it continues after a kill, and learning curves."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components import bucket
from components.artifacts.history import Epoch, History


class TrainingCheckpoint:
    """The state of a training after its last complete epoch: weights, optimiser, best weights and history.

    One checkpoint contains all of them, so that they always fit together. TensorFlow writes it under a temporary name first:
    after a kill at any time the previous one is still there.

    Attributes:
      directory: Of the checkpoints of this training.
    """

    def __init__(
        self, directory: str, model: keras.Model, optimizer: keras.optimizers.Optimizer, is_written: bool = True
    ) -> None:
        """Prepares to save and restore; reads nothing.

        Args:
          directory: Of the checkpoints of this training.
          model: A built model.
          optimizer: A built optimiser.
          is_written: Whether this process writes them. Of several that train together one does; all restore them.
        """
        self.directory = directory
        bucket.fetch(directory)
        self._model = model
        self._is_written = is_written
        self._best = [tf.Variable(variable.numpy(), trainable=False) for variable in model.variables]
        self._history = tf.Variable(History().model_dump_json(), dtype=tf.string)
        # Keras 3 gives the variables of each model new names. Plain lists have the same structure in every process.
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                weights=[variable.value for variable in model.variables],
                optimizer=[variable.value for variable in optimizer.variables],
                best=self._best,
                history=self._history,
            ),
            directory,
            max_to_keep=1,
        )

    def restore(self) -> History:
        """Restores the last complete epoch, if there is one.

        Returns:
          The epochs so far; empty for a new training.
        """
        if self._manager.latest_checkpoint:
            self._manager.checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        return History.model_validate_json(self._history.numpy())

    def save(self, history: History) -> None:
        """Saves the state after an epoch. If it is the best one so far, the best weights become those of the model."""
        if history.epochs_since_best == 0:
            for best, variable in zip(self._best, self._model.variables, strict=True):
                best.assign(variable.value)
        self._history.assign(history.model_dump_json())
        if self._is_written:
            self._write(len(history.epochs))

    def _write(self, epoch: int) -> None:
        try:
            self._manager.save(checkpoint_number=epoch)
            bucket.upload(self.directory)
        except tf.errors.OpError:
            # Most likely the disk is full: free what the unfinished checkpoint takes.
            for unfinished in tf.io.gfile.glob(f"{self.directory}/*_temp"):
                tf.io.gfile.rmtree(unfinished)
            raise

    def use_best_weights(self) -> None:
        """Gives the model the weights of the best epoch."""
        for best, variable in zip(self._best, self._model.variables, strict=True):
            variable.assign(np.asarray(best))

    def delete(self) -> None:
        """Deletes the checkpoints of this training, whose model is exported."""
        if self._is_written:
            bucket.delete(self.directory)
            tf.io.gfile.rmtree(self.directory)


class LearningCurves:
    """Writes a history as TensorBoard logs, one run for each split."""

    def __init__(self, directory: str, history: History) -> None:
        """Opens the logs, and writes the epochs before an interruption.

        Args:
          directory: Directory for TensorBoard; each split has a folder in it.
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

    def add_pictures(self, epoch: int, sheets: Mapping[str, NDArray[np.float32]]) -> None:
        """Writes pictures of an epoch, each [1, height, width, channels] in [0, 1]."""
        with self._writers["eval"].as_default(step=epoch):
            for name, sheet in sheets.items():
                tf.summary.image(name, sheet)
        self._writers["eval"].flush()

    def close(self) -> None:
        """Closes the logs."""
        for writer in self._writers.values():
            writer.close()
