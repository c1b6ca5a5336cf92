"""SSIM, the Fréchet distance, density, coverage and copying, compared with closed forms, scipy and scikit-learn."""

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import tensorflow as tf
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from components.models.image_quality import (
    data_copying,
    frechet_distance,
    nearest,
    neighbourhoods,
    structural_similarity,
)


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


def test_neighbourhoods_are_those_that_scikit_learn_finds(random):
    real, samples = random.normal(size=(300, 7)), 0.7 * random.normal(size=(200, 7))
    # The nearest of six is the image itself.
    radius = NearestNeighbors(n_neighbors=6).fit(real).kneighbors(real)[0][:, -1]
    inside = (cdist(real, samples) < radius[:, np.newaxis]).sum(axis=1)
    found = neighbourhoods(real, samples)
    np.testing.assert_array_equal(found.covered, inside > 0)
    np.testing.assert_allclose(found.density, inside / 5 * 300 / 200, rtol=1e-6)


def test_samples_of_the_same_distribution_have_the_expected_density_and_coverage(random):
    # Naeem et al., 2020, appendix: 1 - (N - 1) ... (N - k) / ((2N - 1) ... (2N - k)), in any distribution.
    count, draws = 100, 300
    numbers = np.arange(1, 6)
    expected = 1 - np.prod((count - numbers) / (2 * count - numbers))
    found = [neighbourhoods(*random.normal(size=(2, count, 3))) for _ in range(draws)]
    assert np.mean([each.covered.mean() for each in found]) == pytest.approx(expected, abs=0.006)
    # k N of 2N - 1 others.
    assert np.mean([each.density.mean() for each in found]) == pytest.approx(1.0, abs=0.03)


def test_a_sample_on_the_surface_is_outside_and_inside_it_is_near_every_image_that_it_is_near_to():
    # The fifth neighbour of 0 is at 5, of 10 at 6, of the others between.
    real = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [10.0]])
    found = neighbourhoods(real, [[-5.0], [14.5]])
    np.testing.assert_array_equal(found.covered, [0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_allclose(found.density, [0, 0, 0, 0, 0, 0, 7 / (5 * 2)])


def test_neighbours_do_not_depend_on_the_order(random):
    real, samples = (random.normal(size=(200, 4)).astype(np.float32) for _ in range(2))
    order = random.permutation(200)
    found = neighbourhoods(real, samples)
    again = neighbourhoods(real[order], samples[::-1])
    np.testing.assert_array_equal(again.density, found.density[order])
    np.testing.assert_array_equal(again.covered, found.covered[order])


@pytest.mark.parametrize("count", [1, 5])
def test_five_images_have_no_fifth_neighbour(count):
    assert np.isnan(neighbourhoods(np.zeros((count, 2)), np.ones((9, 2)))).all()


def test_the_nearest_image_is_the_one_that_scipy_finds(random):
    images, others = random.normal(size=(50, 6)).astype(np.float32), random.normal(size=(400, 6)).astype(np.float32)
    images[3] = others[123]
    found, distances = nearest(images, others), cdist(images, others)
    np.testing.assert_array_equal(found.place, distances.argmin(axis=1))
    np.testing.assert_allclose(found.distance, distances.min(axis=1), atol=1e-5)
    assert (found.place[3], found.distance[3]) == (123, 0.0)


def test_copying_is_the_statistic_of_mann_and_whitney(random):
    samples, images = random.integers(0, 20, 80).astype(float), random.integers(5, 30, 50).astype(float)
    statistic = scipy.stats.mannwhitneyu(images, samples).statistic
    assert data_copying(samples, images) == pytest.approx(statistic / (80 * 50))


@pytest.mark.parametrize(("samples", "copying"), [([0.0, 0.0], 1.0), ([9.0], 0.0), ([2.0], 0.5), ([1.0, 1.5], 0.625)])
def test_copies_are_nearer_than_any_image(samples, copying):
    assert data_copying(np.array(samples), np.array([1.0, 3.0])) == copying
