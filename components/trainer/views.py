"""What training shows the model of an image: the image itself, a slightly transformed one, a binary one drawn from it."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from components.artifacts.features import Binarization
from components.trainer.config import AugmentationConfig
from components.trainer.input_data import PixelScale

# Each kind of chance has a stream of its own under the seed of a step.
_CHANGE, _WHICH, _PIXELS = range(3)


class View(NamedTuple):
    """A batch as the model sees it."""

    inputs: tf.Tensor
    """float32 [N, height, width, channels], normalised: for the encoder."""

    pixels: tf.Tensor
    """The same images in [0, 1]: for the likelihood."""


@dataclass(frozen=True)
class ImageViews:
    """Makes views of normalised images; all that is random is a pure function of the seed.

    Attributes:
      scale: How normalised pixels relate to pixels in [0, 1].
      augmentation: Which transformed images training sees.
      binarization: Whether the model sees binary images.
    """

    scale: PixelScale
    augmentation: AugmentationConfig
    binarization: Binarization

    def for_training(self, images: tf.Tensor, seed: tf.Tensor, progress: tf.Tensor) -> View:
        """Augmented and binarised, as configured.

        Args:
          images: float32 [N, height, width, channels], normalised.
          seed: int32 [2], another one for each step.
          progress: Part of the training that is done, float32 scalar in [0, 1].
        """
        if self.augmentation.share:
            images = augment(images, self.augmentation, seed, progress)
        return self.for_evaluation(images, seed)

    def for_evaluation(self, images: tf.Tensor, seed: tf.Tensor) -> View:
        """Binarised, as configured; never augmented. With the same seed the result is the same."""
        pixels = self.scale.denormalize(images)
        # Not `match`, which AutoGraph does not know.
        if self.binarization is Binarization.NONE:
            return View(images, pixels)
        binary = binarize(pixels, seed)
        return View(self.scale.normalize(binary), binary)


def binarize(pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Binary images whose pixels are on with the probability that the grey pixel is (Salakhutdinov & Murray, 2008).

    Args:
      pixels: float32 in [0, 1].
      seed: int32 [2].

    Returns:
      float32 of the same shape, 0 or 1.
    """
    uniform = tf.random.stateless_uniform(tf.shape(pixels), _stream(seed, _PIXELS))
    return tf.cast(uniform < pixels, tf.float32)


def augment(images: tf.Tensor, config: AugmentationConfig, seed: tf.Tensor, progress: tf.Tensor) -> tf.Tensor:
    """Turns, shears and scales a share of the images a little about their centre, each in its own way.

    Args:
      images: float32 [N, height, width, channels]. What comes in from outside the image repeats its edge.
      config: The share, and standard deviations.
      seed: int32 [2].
      progress: Part of the training that is done: the share falls with it, where it is to fade.
    """
    share = config.share * (1.0 - progress) if config.fade else config.share
    which = tf.where(tf.random.stateless_uniform(tf.shape(images)[:1], _stream(seed, _WHICH)) < share)
    # The others would come out as they are, but not for nothing.
    changed = _transform(tf.gather_nd(images, which), config, _stream(seed, _CHANGE))
    return tf.tensor_scatter_nd_update(images, which, changed)


def _transform(images: tf.Tensor, config: AugmentationConfig, seed: tf.Tensor) -> tf.Tensor:
    normal = tf.random.stateless_normal([4, tf.shape(images)[0]], seed)
    angle = normal[0] * math.radians(config.rotation_degrees)
    shear = normal[1] * config.shear
    scale_x, scale_y = 1.0 + normal[2] * config.scale, 1.0 + normal[3] * config.scale
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Rotation times (shear times scale): where an output pixel, as seen from the centre, comes from.
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
