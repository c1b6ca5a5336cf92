import numpy as np
import pytest

from components.models.gaussianity import maximum_mean_discrepancy


def discrepancy_of_gaussians(shift: float, stddev: float, latent_dim: int) -> float:
    """MMD^2 between N(shift, stddev^2 I) and N(0, I): every term is a Gaussian integral."""
    width = latent_dim

    def mean_kernel(variance: float, squared_distance: float) -> float:
        scale = width / (width + variance)
        return scale ** (latent_dim / 2) * np.exp(-squared_distance / (2 * (width + variance)))

    between = mean_kernel(1 + stddev**2, latent_dim * shift**2)
    return mean_kernel(2 * stddev**2, 0) - 2 * between + mean_kernel(2, 0)


@pytest.mark.parametrize(("shift", "stddev"), [(1.0, 1.0), (0.0, 3.0), (0.5, 0.2)])
@pytest.mark.parametrize("latent_dim", [1, 8])
def test_the_discrepancy_of_a_gaussian_is_the_closed_form(random, shift, stddev, latent_dim):
    codes = random.normal(shift, stddev, size=(4000, latent_dim))
    expected = discrepancy_of_gaussians(shift, stddev, latent_dim)
    assert expected > 0.02
    assert maximum_mean_discrepancy(codes) == pytest.approx(expected, rel=0.1)


def test_codes_from_the_prior_have_none_on_average(random):
    found = [maximum_mean_discrepancy(random.normal(size=(300, 4))) for _ in range(30)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(30)
    assert min(found) < 0 < max(found)


def test_it_is_the_unbiased_estimate_of_gretton_but_for_the_sample_of_the_prior(random):
    codes, prior = random.normal(0.3, 1.2, size=(701, 3)), random.normal(size=(2000, 3))

    def kernel(one, other):
        return np.exp(-((one[:, None] - other) ** 2).sum(-1) / (2 * 3))

    within_codes, within_prior = kernel(codes, codes), kernel(prior, prior)
    expected = (within_codes.sum() - 701) / (701 * 700) + (within_prior.sum() - 2000) / (2000 * 1999)
    expected -= 2 * kernel(codes, prior).mean()
    assert maximum_mean_discrepancy(codes) == pytest.approx(expected, abs=0.004)


def test_codes_in_clusters_are_farther_than_codes_spread_like_the_prior(random):
    centres = random.normal(scale=np.sqrt(0.99), size=(10, 8))
    clustered = centres[random.integers(10, size=1000)] + random.normal(scale=0.1, size=(1000, 8))
    assert maximum_mean_discrepancy(clustered) > 10 * abs(maximum_mean_discrepancy(random.normal(size=(1000, 8))))
