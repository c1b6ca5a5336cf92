"""SSIM and the Fréchet distance, compared with closed forms and scipy."""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from components.models.image_quality import frechet_distance, structural_similarity


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


def test_a_set_has_no_distance_from_itself(random):
    features = random.normal(size=(200, 5))
    assert frechet_distance(features, features[::-1]) == pytest.approx(0, abs=1e-9)


def test_sets_of_one_shape_are_as_far_apart_as_their_means(random):
    features = random.normal(size=(200, 3))
    assert frechet_distance(features, features + np.array([3.0, 4.0, 0.0])) == pytest.approx(25.0)


def test_sets_around_one_mean_differ_by_their_standard_deviations(random):
    features = random.normal(size=(200, 2))
    features -= features.mean(axis=0)
    # Three times the features have three times the standard deviation: (3 - 1)^2 times the trace of the covariance.
    assert frechet_distance(features, 3 * features) == pytest.approx(4 * np.trace(np.cov(features.T)))


def test_it_is_what_scipys_matrix_root_gives(random):
    one, other = (
        random.normal(size=(500, 6)) @ random.normal(size=(6, 6)),
        random.normal(size=(400, 6)) @ random.normal(size=(6, 6)),
    )
    first, second = np.cov(one.T), np.cov(other.T)
    root = scipy.linalg.sqrtm(first @ second).real
    expected = np.sum((one.mean(0) - other.mean(0)) ** 2) + np.trace(first + second - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected)
    assert frechet_distance(other, one) == pytest.approx(expected)


def test_features_that_are_never_active_do_no_harm(random):
    one, other = random.normal(size=(200, 4)), random.normal(size=(200, 4))
    padding = np.zeros((200, 2))
    assert frechet_distance(np.hstack([one, padding]), np.hstack([other, padding])) == pytest.approx(
        frechet_distance(one, other)
    )
