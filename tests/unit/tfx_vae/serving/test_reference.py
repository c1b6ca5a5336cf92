"""Distances from reference images, worked out by hand."""

import numpy as np
import pytest

from components.errors import ConfigurationError
from tfx_vae.serving.reference import STATISTICS, Reference


def outputs(values: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[:, number].astype(np.float32) for number, name in enumerate(STATISTICS)}


@pytest.fixture
def usual() -> np.ndarray:
    """Independent statistics with means 100, 25, 8 and 0.9, and standard deviations 20, 4, 2 and 0.05."""
    normal = np.random.default_rng(0).standard_normal((20_000, 4))
    return np.array([100, 25, 8, 0.9]) + normal * np.array([20, 4, 2, 0.05])


def test_the_distance_counts_standard_deviations_in_every_direction(usual: np.ndarray):
    asked = np.array([[100, 25, 8, 0.9], [160, 25, 8, 0.9], [40, 25, 8, 0.9], [100, 25, 8, 0.7], [100, 37, 16, 0.9]])
    np.testing.assert_allclose(Reference(outputs(usual)).distance(outputs(asked)), [0, 3, 3, 4, 5], atol=0.1)


def test_two_statistics_can_be_unusual_only_together(usual: np.ndarray):
    together = usual.copy()
    together[:, 1] = 25 + (together[:, 0] - 100) / 5 + 0.1 * (together[:, 1] - 25)
    distance = Reference(outputs(together)).distance(outputs(np.array([[120, 29, 8, 0.9], [120, 21, 8, 0.9]])))
    assert distance[0] == pytest.approx(1, abs=0.1)
    assert distance[1] > 15


def test_the_share_beyond_is_that_of_the_reference_images_at_least_as_far_away(usual: np.ndarray):
    reference = Reference(outputs(usual))
    # Of 4 standard normals, a distance of 3.08 is exceeded by 5 %, and 1.83 by half (chi-squared, 4 degrees of freedom).
    np.testing.assert_allclose(reference.share_beyond(np.array([0, 1.8323, 3.0802, 99])), [1, 0.5, 0.05, 0], atol=0.01)


def test_a_constant_statistic_is_ignored(usual: np.ndarray):
    usual[:, 1] = 0  # an autoencoder's
    distance = Reference(outputs(usual)).distance(outputs(np.array([[160, 0, 8, 0.9]])))
    np.testing.assert_allclose(distance, [3], atol=0.1)


def test_too_few_reference_images_are_refused(usual: np.ndarray):
    with pytest.raises(ConfigurationError, match="needs 30 images or more, not 29"):
        Reference(outputs(usual[:29]))
