"""Noise that is a pure function of an image: the same however images are ordered and batched."""

from enum import IntEnum

import tensorflow as tf


class Stream(IntEnum):
    """What the noise is for; each purpose has its own."""

    POSTERIOR = 0
    BINARIZATION = 1
    IMPORTANCE = 2
    PRIOR = 3


class ImageNoise:
    """Draws noise for images by their bytes."""

    def __init__(self, seed: int) -> None:
        """Fixes what is drawn.

        Args:
          seed: Not negative, and below 2^31.
        """
        self._seed = seed

    def normal(self, encoded: tf.Tensor, shape: tf.Tensor | list[int], stream: Stream) -> tf.Tensor:
        """Standard normal noise for each image: float32 [N, *shape].

        Args:
          encoded: The images' bytes, string [N].
          shape: Of the noise of one image.
          stream: What it is for.
        """
        return tf.map_fn(
            lambda seed: tf.random.stateless_normal(shape, seed), self._seeds(encoded, stream), fn_output_signature=tf.float32
        )

    def uniform(self, encoded: tf.Tensor, shape: tf.Tensor | list[int], stream: Stream) -> tf.Tensor:
        """Noise in [0, 1) for each image: float32 [N, *shape]."""
        return tf.map_fn(
            lambda seed: tf.random.stateless_uniform(shape, seed), self._seeds(encoded, stream), fn_output_signature=tf.float32
        )

    def _seeds(self, encoded: tf.Tensor, stream: Stream) -> tf.Tensor:
        hashes = tf.strings.to_hash_bucket_fast(encoded, 2**62)
        key = tf.constant(self._seed + stream * 2**32, tf.int64)
        return tf.stack([tf.fill(tf.shape(hashes), key), hashes], axis=1)
