"""Transformed examples, and what their pixels mean."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.artifacts.features import IMAGE
from components.errors import DataError
from components.trainer.image_files import ImageFiles
from components.trainer.image_source import ImagesInMemory, ImagesOnDisk, ImageSource


class PixelScale(NamedTuple):
    """How normalised pixels relate to pixels in [0, 1]: ``pixels = normalized * scale + offset``."""

    scale: float
    offset: float

    def normalize(self, pixels: tf.Tensor) -> tf.Tensor:
        """From [0, 1] to what the encoder sees."""
        return pixels if self.is_identity else (pixels - self.offset) / self.scale

    def denormalize(self, normalized: tf.Tensor) -> tf.Tensor:
        """From what the encoder sees to [0, 1]; clipped, because rounding may leave the range by 1e-7."""
        return normalized if self.is_identity else tf.clip_by_value(normalized * self.scale + self.offset, 0.0, 1.0)

    @property
    def is_identity(self) -> bool:
        """Whether the two are the same."""
        return self.scale == 1.0 and self.offset == 0.0


def pixel_scale(transform_graph: tft.TFTransformOutput) -> PixelScale:
    """Reads the normalisation off the transform graph, by sending a black and a white image through it.

    Raises:
      DataError: The graph does not map pixels by one scale and offset.
    """
    height, width, channels = image_shape(transform_graph)
    black, white = (
        tf.io.encode_png(tf.fill((height, width, channels), tf.constant(value, tf.uint8))).numpy() for value in (0, 255)
    )
    layer = transform_graph.transform_features_layer()
    raw_shape = transform_graph.raw_feature_spec()[IMAGE].shape
    normalized = layer({IMAGE: tf.reshape(tf.constant([black, white]), [2, *raw_shape])})[IMAGE].numpy()
    zero, one = normalized[0].flat[0], normalized[1].flat[0]
    if not np.all(normalized[0] == zero) or not np.all(normalized[1] == one) or one <= zero:
        raise DataError("The transform graph must map every pixel by the same increasing linear function, and it does not.")
    scale = 1.0 / (float(one) - float(zero))
    return PixelScale(scale, -float(zero) * scale)


def image_shape(transform_graph: tft.TFTransformOutput) -> tuple[int, int, int]:
    """Height, width and channels of a transformed image."""
    height, width, channels = transform_graph.transformed_feature_spec()[IMAGE].shape
    return height, width, channels


def open_images(patterns: Sequence[str], shape: tuple[int, int, int], split: str, memory_limit: int, seed: int) -> ImageSource:
    """Opens the transformed images of a split: in memory if they fit, on disk otherwise.

    Args:
      patterns: Of GZIP TFRecord files of transformed examples.
      shape: Height, width and channels of every image.
      split: The name of the split, for the message.
      memory_limit: Bytes of float32 pixels to keep in memory at most.
      seed: Fixes the order in which training sees them.

    Raises:
      DataError: The split holds no example, or a file is corrupt.
    """
    files = ImageFiles(tuple(sorted(tf.io.gfile.glob(list(patterns)))), shape)
    kept: list[tf.Tensor] = []
    count, pixel_sum = 0, 0.0
    try:
        for batch in files.in_order():
            count += len(batch)
            pixel_sum += float(tf.reduce_sum(tf.cast(batch, tf.float64)))
            if count * files.image_bytes <= memory_limit:
                kept.append(batch)
            else:
                kept.clear()
    except tf.errors.DataLossError as error:
        raise DataError(
            f"The transformed examples of split '{split}' are corrupt in {', '.join(patterns)}: {error.message}; "
            "run again with --set runtime.cache=false."
        ) from error
    if not count:
        raise DataError(f"Split '{split}' holds no example: there is nothing to train with.")
    if kept:
        return ImagesInMemory(tf.concat(kept, axis=0), seed)
    return ImagesOnDisk(files, count, pixel_sum / (count * math.prod(shape)), seed)
