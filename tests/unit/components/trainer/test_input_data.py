"""How normalised pixels relate to pixels in [0, 1]."""

import numpy as np
import tensorflow as tf

from components.trainer.input_data import PixelScale


def test_denormalising_undoes_normalising():
    scale = PixelScale(scale=0.3, offset=0.13)
    pixels = tf.constant(np.linspace(0, 1, 11), tf.float32)

    np.testing.assert_allclose(scale.denormalize(scale.normalize(pixels)), pixels, atol=1e-6)
    np.testing.assert_allclose(scale.normalize(tf.constant([0.13, 0.43])), [0.0, 1.0], atol=1e-6)


def test_rounding_never_leaves_the_unit_interval():
    scale = PixelScale(scale=0.3, offset=0.13)

    beyond = scale.denormalize(tf.constant([-0.13 / 0.3 - 1e-6, 0.87 / 0.3 + 1e-6]))

    np.testing.assert_array_equal(beyond, [0.0, 1.0])


def test_unit_pixels_are_passed_through_untouched():
    pixels = tf.constant([0.1, 0.7])

    assert PixelScale(1.0, 0.0).normalize(pixels) is pixels
    assert PixelScale(1.0, 0.0).denormalize(pixels) is pixels
