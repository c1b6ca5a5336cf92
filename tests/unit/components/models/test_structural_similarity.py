import numpy as np
import pytest
import tensorflow as tf

from components.models.structural_similarity import structural_similarity


def test_an_image_is_wholly_similar_to_itself(make_images):
    images = make_images(3, (28, 28, 1))
    np.testing.assert_allclose(structural_similarity(images, images), [1, 1, 1], rtol=1e-6)


def test_even_images_differ_by_their_luminance_alone():
    # Without variance the second factor is 1: (2 * 0.2 * 0.8 + 0.0001) / (0.2^2 + 0.8^2 + 0.0001) = 0.470666.
    # In single precision the variance, a difference of squares, is not quite 0.
    dark, light = tf.fill((2, 28, 28, 1), 0.2), tf.fill((2, 28, 28, 1), 0.8)
    np.testing.assert_allclose(structural_similarity(dark, light), [0.470666, 0.470666], rtol=1e-3)


def test_noise_makes_an_image_less_similar(make_images):
    images, noise = make_images(3, (28, 28, 1)), tf.random.stateless_normal((3, 28, 28, 1), seed=(0, 1))
    little, much = (structural_similarity(images, tf.clip_by_value(images + size * noise, 0, 1)) for size in (0.05, 0.5))
    assert np.all(np.array(much) < np.array(little))
    assert np.all(np.array(little) < 1)


@pytest.mark.parametrize("shape", [(7, 5, 3), (4, 4, 1), (1, 3, 1)])
def test_images_smaller_than_the_window_can_be_compared(make_images, shape):
    images = make_images(2, shape)
    np.testing.assert_allclose(structural_similarity(images, images), [1, 1], rtol=1e-6)
    assert np.all(np.array(structural_similarity(images, 1 - images)) < 1)
