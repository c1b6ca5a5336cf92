import numpy as np
import pytest
import tensorflow as tf

from components.models.prior import GaussianFit, fit_gaussian


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


def test_a_constant_dimension_stays_constant_in_the_samples(random):
    codes = random.normal(size=(100, 3))
    codes[:, 1] = 7.0
    fit = fit_gaussian(codes)
    np.testing.assert_allclose(covariance(fit), np.cov(codes.T, bias=True), atol=1e-6)
    np.testing.assert_allclose(fit.sample(random.normal(size=(50, 3)).astype(np.float32))[:, 1], 7.0, rtol=1e-6)


def test_dependent_dimensions_stay_dependent_in_the_samples(random):
    codes = random.normal(size=(100, 3))
    codes[:, 2] = codes[:, 0] - 2 * codes[:, 1]
    drawn = fit_gaussian(codes).sample(random.normal(size=(50, 3)).astype(np.float32)).numpy()
    np.testing.assert_allclose(drawn[:, 2], drawn[:, 0] - 2 * drawn[:, 1], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_fewer_codes_than_dimensions_are_enough(random, count):
    codes = random.normal(size=(count, 5))
    fit = fit_gaussian(codes)
    assert fit.cholesky.shape == (5, 5)
    np.testing.assert_allclose(covariance(fit), np.atleast_2d(np.cov(codes.T, bias=True)), atol=1e-6)


def test_a_sample_is_the_mean_plus_the_factor_times_the_noise():
    fit = GaussianFit(np.array([10, 20], np.float32), np.array([[2, 0], [3, 4]], np.float32))
    np.testing.assert_array_equal(fit.sample(tf.constant([[1.0, 0.0], [0.0, 1.0]])), [[12, 23], [10, 24]])


@pytest.mark.parametrize("codes", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3), np.zeros((2, 3, 1))])
def test_what_is_no_matrix_of_codes_is_refused_with_its_shape(codes):
    with pytest.raises(ValueError, match=str(codes.shape).replace("(", r"\(").replace(")", r"\)")):
        fit_gaussian(codes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_codes_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match="NaN or infinite"):
        fit_gaussian([[0.0, 1.0], [value, 1.0]])
