import numpy as np
import pytest
import scipy.linalg

from components.models.frechet import frechet_distance


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
