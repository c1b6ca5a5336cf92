import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from components.models.config import ModelConfig
from components.models.flow import CouplingFlow
from components.models.prior import GaussianFit, fit_gaussian, fit_prior


def covariance(fit: GaussianFit) -> np.ndarray:
    return fit.cholesky.astype(np.float64) @ fit.cholesky.T


def test_the_fit_recovers_the_gaussian_that_the_codes_come_from(random):
    mean, factor = np.array([1.0, -2.0, 0.5]), np.array([[2.0, 0, 0], [-1.0, 0.5, 0], [0.3, 0.2, 1.0]])
    count = 100_000
    fit = fit_gaussian(mean + random.normal(size=(count, 3)) @ factor.T)
    expected = factor @ factor.T
    variances = np.diag(expected)
    np.testing.assert_array_less(np.abs(fit.mean - mean), 4 * np.sqrt(variances / count))
    # Standard error of a Gaussian's covariance: the root of (s_ii s_jj + s_ij^2) / N.
    standard_error = np.sqrt((np.outer(variances, variances) + expected**2) / count)
    np.testing.assert_array_less(np.abs(covariance(fit) - expected), 4 * standard_error)


def test_the_factor_is_numpys_cholesky_factor_of_numpys_covariance(random):
    codes = random.normal(size=(200, 5)) @ random.normal(size=(5, 5)) + 3
    fit = fit_gaussian(codes)
    np.testing.assert_allclose(fit.mean, codes.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(fit.cholesky, np.linalg.cholesky(np.cov(codes.T, bias=True)), rtol=1e-5, atol=1e-6)


def test_a_constant_dimension_stays_constant(random):
    codes = random.normal(size=(100, 3))
    codes[:, 1] = 7.0
    fit = fit_gaussian(codes)
    np.testing.assert_allclose(covariance(fit), np.cov(codes.T, bias=True), atol=1e-6)
    assert fit.mean[1] == pytest.approx(7.0)


def test_dependent_dimensions_stay_dependent(random):
    codes = random.normal(size=(100, 3))
    codes[:, 2] = codes[:, 0] - 2 * codes[:, 1]
    np.testing.assert_allclose([1, -2, -1] @ fit_gaussian(codes).cholesky, 0.0, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_fewer_codes_than_dimensions_are_enough(random, count):
    codes = random.normal(size=(count, 5))
    fit = fit_gaussian(codes)
    assert fit.cholesky.shape == (5, 5)
    np.testing.assert_allclose(covariance(fit), np.atleast_2d(np.cov(codes.T, bias=True)), atol=1e-6)


@pytest.mark.parametrize(("kind", "expected"), [("vae", "standard_normal"), ("ae", "gaussian")])
def test_a_configuration_of_an_earlier_version_keeps_its_prior(kind, expected):
    assert ModelConfig.model_validate({"kind": kind}).resolved_prior == expected


def test_the_configuration_decides_what_is_fitted(random):
    codes = np.concatenate([random.normal(place, 0.1, size=(200, 2)) for place in (-3.0, 3.0)])
    noise, choice = np.zeros((2, 2), np.float32), np.array([0.1, 0.9], np.float32)

    def drawn(**settings):
        return fit_prior(ModelConfig(**settings), lambda: codes, seed=0).sample(tf.constant(noise), tf.constant(choice)).numpy()

    np.testing.assert_array_equal(drawn(prior="standard_normal"), noise)
    np.testing.assert_allclose(drawn(prior="gaussian"), 0.0, atol=0.05)
    np.testing.assert_allclose(np.sort(drawn(prior="mixture", prior_components=2)[:, 0]), [-3.0, 3.0], atol=0.05)
    assert isinstance(fit_prior(ModelConfig(prior="flow"), lambda: codes[:1], seed=0), CouplingFlow)


def test_the_standard_normal_needs_no_codes_and_has_scipys_density(random):
    prior = fit_prior(ModelConfig(), lambda: pytest.fail("codes are not needed"), seed=0)
    codes = random.normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(prior.log_density(codes), stats.multivariate_normal(np.zeros(3)).logpdf(codes), rtol=1e-5)


@pytest.mark.parametrize("codes", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3), np.zeros((2, 3, 1))])
def test_what_is_no_matrix_of_codes_is_refused_with_its_shape(codes):
    with pytest.raises(ValueError, match=str(codes.shape).replace("(", r"\(").replace(")", r"\)")):
        fit_gaussian(codes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_codes_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match="NaN or infinite"):
        fit_gaussian([[0.0, 1.0], [value, 1.0]])
