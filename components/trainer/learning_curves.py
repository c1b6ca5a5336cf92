"""The learning curves of a training, for TensorBoard."""

import tensorflow as tf

from components.artifacts.history import Epoch, History


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
