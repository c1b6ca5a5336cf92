import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from components.models.config import ModelConfig
from components.models.flow import CouplingFlow
from components.models.prior import fit_prior


def test_one_gaussian_has_the_mean_and_the_covariance_of_the_codes(random):
    codes = random.normal(size=(20_000, 3)) @ [[2.0, 0, 0], [-1.0, 0.5, 0], [0.3, 0.2, 1.0]] + [1, -2, 0.5]
    prior = fit_prior(ModelConfig(prior="gaussian"), lambda: codes, seed=0)
    expected = stats.multivariate_normal(codes.mean(axis=0), np.cov(codes.T, bias=True))
    np.testing.assert_allclose(prior.log_density(codes.astype(np.float32)), expected.logpdf(codes), atol=0.05)


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
