"""How much of the latent space is used, on codes worked out by hand."""

import numpy as np
import pytest

from components.models.latent_statistics import LatentMoments

# Variance over the data: 1, 0, and 0.0099, just below what Burda et al. call active.
MEANS = np.array([[1.0, 5.0, 0.0995], [-1.0, 5.0, -0.0995]])
DIVERGENCES = np.array([[2.0, 0.0, 0.5], [4.0, 0.0, 0.5]])


def test_a_unit_is_active_if_its_mean_varies_with_the_image():
    assert LatentMoments.of(MEANS, DIVERGENCES).active_units() == 1
    assert LatentMoments.of(MEANS * [1, 1, 1.01], DIVERGENCES).active_units() == 2


def test_the_kl_divergence_is_averaged_for_each_dimension():
    np.testing.assert_allclose(LatentMoments.of(MEANS, DIVERGENCES).kl_per_dimension(), [3.0, 0.0, 0.5])


def test_batches_add_up_to_the_whole():
    random = np.random.default_rng(0)
    means, divergences = random.normal(size=(10, 3)), random.random((10, 3))

    parts = LatentMoments.of(means[:4], divergences[:4]).plus(LatentMoments.of(means[4:], divergences[4:]))

    np.testing.assert_allclose(parts.kl_per_dimension(), divergences.mean(axis=0))
    assert parts.active_units() == (means.var(axis=0) > 0.01).sum()
    assert parts.images == pytest.approx(10)
