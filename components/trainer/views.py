"""What the model sees of an image: the image itself, a slightly changed one, or a binary one drawn from it."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from components.artifacts.features import Binarization
from components.trainer.config import AugmentationConfig
from components.trainer.input_data import PixelScale

# Each use of random numbers has its own stream under the seed of a step.
_CHANGE, _WHICH, _PIXELS = range(3)


class View(NamedTuple):
    """A batch as the model sees it."""

    inputs: tf.Tensor
    """float32 [N, height, width, channels], normalised: for the encoder."""

    pixels: tf.Tensor
    """The same images in [0, 1]: for the likelihood."""


@dataclass(frozen=True)
class ImageViews:
    """Makes views of normalised images; all random numbers depend only on the seed.

    Attributes:
      scale: The relation of normalised pixels to pixels in [0, 1].
      augmentation: How training images are changed.
      binarization: Whether the model sees binary images.
    """

    scale: PixelScale
    augmentation: AugmentationConfig
    binarization: Binarization

    def for_training(self, images: tf.Tensor, seed: tf.Tensor, progress: tf.Tensor) -> View:
        """Augmented and binarised, as configured.

        Args:
          images: float32 [N, height, width, channels], normalised.
          seed: int32 [2], different for each step.
          progress: Part of the training that is done, float32 scalar in [0, 1].
        """
        if self.augmentation.share:
            images = augment(images, self.augmentation, seed, progress)
        return self.for_evaluation(images, seed)

    def for_evaluation(self, images: tf.Tensor, seed: tf.Tensor) -> View:
        """Binarised, as configured; never augmented. The same seed gives the same result."""
        pixels = self.scale.denormalize(images)
        # Not `match`: AutoGraph does not know it.
        if self.binarization is Binarization.NONE:
            return View(images, pixels)
        binary = binarize(pixels, seed)
        return View(self.scale.normalize(binary), binary)


def binarize(pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Binary images: the grey value of a pixel is its probability of being 1 (Salakhutdinov & Murray, 2008).

    Args:
      pixels: float32 in [0, 1].
      seed: int32 [2].

    Returns:
      float32 of the same shape, 0 or 1.
    """
    uniform = tf.random.stateless_uniform(tf.shape(pixels), _stream(seed, _PIXELS))
    return tf.cast(uniform < pixels, tf.float32)


def augment(images: tf.Tensor, config: AugmentationConfig, seed: tf.Tensor, progress: tf.Tensor) -> tf.Tensor:
    """Rotates, shears and scales a share of the images slightly about their centre, each one differently.

    Args:
      images: float32 [N, height, width, channels]. Pixels from outside the image repeat its edge.
      config: The share, and standard deviations.
      seed: int32 [2].
      progress: Part of the training that is done; if `config.fade` is set, the share falls with it.
    """
    share = config.share * (1.0 - progress) if config.fade else config.share
    which = tf.where(tf.random.stateless_uniform(tf.shape(images)[:1], _stream(seed, _WHICH)) < share)
    # Only these: the transformation would leave the others as they are, but takes time.
    changed = _transform(tf.gather_nd(images, which), config, _stream(seed, _CHANGE))
    return tf.tensor_scatter_nd_update(images, which, changed)


def _transform(images: tf.Tensor, config: AugmentationConfig, seed: tf.Tensor) -> tf.Tensor:
    normal = tf.random.stateless_normal([4, tf.shape(images)[0]], seed)
    angle = normal[0] * math.radians(config.rotation_degrees)
    shear = normal[1] * config.shear
    scale_x, scale_y = 1.0 + normal[2] * config.scale, 1.0 + normal[3] * config.scale
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Rotation times (shear times scale): the source of an output pixel, relative to the centre.
    from_xx, from_xy = cos * scale_x, cos * shear * scale_x - sin * scale_y
    from_yx, from_yy = sin * scale_x, sin * shear * scale_x + cos * scale_y
    center_x, center_y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
    offset_x = center_x - from_xx * center_x - from_xy * center_y
    offset_y = center_y - from_yx * center_x - from_yy * center_y
    zero = tf.zeros_like(angle)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([from_xx, from_xy, offset_x, from_yx, from_yy, offset_y, zero, zero], axis=1),
        output_shape=images.shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _stream(seed: tf.Tensor, stream: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, stream)
