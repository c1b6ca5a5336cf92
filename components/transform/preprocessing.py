"""Pixels for a model: decoded, brought to one shape, normalised.

TensorFlow Transform traces `preprocessing_fn` once into a graph. The Trainer reads what the graph made of the examples, and the
exported signatures carry the graph itself, so training, evaluation and serving cannot differ.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.artifacts.features import IMAGE, LABEL
from components.transform.config import Normalization

ImageShape = tuple[int, int, int]


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Decodes and normalises a batch of raw examples.

    Args:
      inputs: By feature name: `image`, encoded images, string [N, 1] (PNG or JPEG); `label`, int64 [N, 1], if the data has one.
      custom_config: `image_shape`, [height, width, channels], to which other sizes are resized, and `normalization`, a value
        of `Normalization`.

    Returns:
      `image`, float32 [N, height, width, channels]; `label`, int64 [N], if there was one.
    """
    height, width, channels = custom_config["image_shape"]
    pixels = decode_images(_one_per_example(inputs[IMAGE]), (height, width, channels))
    outputs = {IMAGE: _normalize(pixels, Normalization(custom_config["normalization"]))}
    if LABEL in inputs:
        outputs[LABEL] = _one_per_example(inputs[LABEL])
    return outputs


def decode_images(encoded: tf.Tensor, image_shape: ImageShape) -> tf.Tensor:
    """Decodes PNG or JPEG images to pixels in [0, 1].

    Args:
      encoded: string [N].
      image_shape: Height, width and channels of the result; an image of another size is resized (bilinear, antialiased).

    Returns:
      float32 [N, height, width, channels].

    Raises:
      tf.errors.InvalidArgumentError: A string is not an image.
    """
    height, width, channels = image_shape

    def decode(image: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_image(image, channels=channels, expand_animations=False)
        same_size = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], (height, width)))
        pixels = tf.cond(
            same_size,
            lambda: pixels,
            lambda: tf.cast(tf.round(tf.image.resize(pixels, (height, width), antialias=True)), tf.uint8),
        )
        return tf.ensure_shape(pixels, image_shape)

    decoded = tf.map_fn(decode, encoded, fn_output_signature=tf.TensorSpec(image_shape, tf.uint8))
    # Not a division: some graph optimisers turn it into this product and some do not, which differ in the last bit.
    return tf.cast(decoded, tf.float32) * (1.0 / 255.0)


def _one_per_example(feature: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    values = feature.values if isinstance(feature, tf.SparseTensor) else feature
    return tf.reshape(values, [-1])


def _normalize(pixels: tf.Tensor, normalization: Normalization) -> tf.Tensor:
    match normalization:
        case Normalization.UNIT:
            return pixels
        case Normalization.SYMMETRIC:
            return pixels * 2.0 - 1.0
        case Normalization.STANDARDIZE:
            # A constant dataset has no variance: leave it centred rather than divide by zero.
            stddev = tf.sqrt(tft.var(pixels))
            return (pixels - tft.mean(pixels)) / tf.where(stddev > 0, stddev, 1.0)
