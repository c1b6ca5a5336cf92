"""Transformed images on disk."""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.artifacts.features import IMAGE

_PARSED_BYTES = 8 * 2**20
# Enough to mix what lies far apart, and few enough to keep open.
_FILES_AT_ONCE = 16
_RECORDS_IN_TURN = 16


@dataclass(frozen=True)
class ImageFiles:
    """GZIP TFRecord files of tf.Examples with a float32 image.

    Attributes:
      paths: The files, in an order that is always the same.
      shape: Height, width and channels of every image.
    """

    paths: tuple[str, ...]
    shape: tuple[int, int, int]

    @property
    def image_bytes(self) -> int:
        """What an image takes in memory."""
        return 4 * math.prod(self.shape)

    def in_order(self, batch_size: int | None = None) -> tf.data.Dataset:
        """Batches, float32 [N, height, width, channels], as the images lie in the files.

        Args:
          batch_size: N; by default as many as make some megabytes. The last batch may be smaller.
        """
        batch_size = batch_size or max(1, _PARSED_BYTES // self.image_bytes)
        records = tf.data.TFRecordDataset(list(self.paths), compression_type="GZIP")
        return records.batch(batch_size).map(self._parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)

    def shuffled(self, seed: tuple[int, int], buffer_bytes: int, batch_size: int, steps: int) -> tf.data.Dataset:
        """Whole batches, float32 [steps, N, height, width, channels], in an order that the seed alone decides.

        The files come in random order, some at a time; each next record is drawn at random from a buffer of them.

        Args:
          seed: The same gives the same order.
          buffer_bytes: What the images in the buffer may take.
          batch_size: N; what is left over after the last whole batch is left out.
          steps: Batches at a time; fewer at the end.
        """
        generator = np.random.default_rng(seed)
        records = tf.data.Dataset.from_tensor_slices(generator.permutation(self.paths)).interleave(
            lambda path: tf.data.TFRecordDataset(path, compression_type="GZIP"),
            cycle_length=min(len(self.paths), _FILES_AT_ONCE),
            block_length=_RECORDS_IN_TURN,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        # Records, not images: parsing many at once costs half of what parsing each does.
        batches = (
            records.shuffle(max(1, buffer_bytes // self.image_bytes), seed=int(generator.integers(2**31)))
            .batch(batch_size, drop_remainder=True)
            .batch(steps)
        )
        return batches.map(
            lambda batch: tf.reshape(self._parse(tf.reshape(batch, [-1])), [-1, batch_size, *self.shape])
        ).prefetch(1)

    def _parse(self, records: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(records, {IMAGE: tf.io.FixedLenFeature(self.shape, tf.float32)})[IMAGE]
