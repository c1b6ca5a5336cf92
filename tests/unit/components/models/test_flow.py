"""The flow as a prior: it is inverted, its density is one, and the fit finds a known density."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from components.models import flow as flows
from components.models.flow import CouplingFlow, fit_flow

MEAN = np.array([1.0, -2.0])
CHOLESKY = np.array([[0.8, 0.0], [0.5, 0.4]])


def bent(latent_dim: int = 2, seed: int = 0) -> CouplingFlow:
    """A flow with random weights, far from linear."""
    random = np.random.default_rng(seed)
    cholesky = CHOLESKY if latent_dim == 2 else np.eye(latent_dim)
    flow = CouplingFlow(MEAN if latent_dim == 2 else np.zeros(latent_dim), cholesky, seed)
    for variable in flow.trainable_variables:
        variable.assign_add(random.normal(0.0, 0.06, size=variable.shape).astype(np.float32))
    return flow


def draw(flow: CouplingFlow, noise: np.ndarray) -> np.ndarray:
    return flow.sample(tf.constant(noise, tf.float32), tf.zeros(len(noise))).numpy()


def standard_normal(count: int, latent_dim: int = 2) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, latent_dim)).astype(np.float32)


def test_at_the_start_it_is_the_gaussian_of_its_linear_layer():
    flow, codes = CouplingFlow(MEAN, CHOLESKY, seed=0), standard_normal(50) * 2
    expected = stats.multivariate_normal(MEAN, CHOLESKY @ CHOLESKY.T).logpdf(codes)
    np.testing.assert_allclose(flow.log_density(tf.constant(codes)), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(draw(flow, np.zeros((1, 2))), [MEAN], atol=1e-6)


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 8])
def test_the_density_of_a_sample_is_that_of_its_noise_over_the_jacobian_of_autodiff(latent_dim):
    """log p(z) = log N(e) - log |det dz/de|: wrong unless `to_noise` inverts `from_noise` and both have the same volume."""
    flow, noise = bent(latent_dim), tf.constant(standard_normal(20, latent_dim))
    with tf.GradientTape() as tape:
        tape.watch(noise)
        codes = flow.sample(noise, tf.zeros(20))
    jacobian = tape.batch_jacobian(codes, noise).numpy().astype(np.float64)
    expected = stats.norm.logpdf(noise.numpy()).sum(axis=1) - np.linalg.slogdet(jacobian).logabsdet
    np.testing.assert_allclose(flow.log_density(codes), expected, rtol=1e-3, atol=1e-3)
    # Far from linear: the determinant depends on the code.
    assert latent_dim == 1 or np.linalg.slogdet(jacobian).logabsdet.std() > 0.05


def test_the_layers_are_inverted(random):
    flow, values = bent(5), random.normal(0, 2, size=(100, 5)).astype(np.float32)
    for layer in flow._layers:
        moved, _ = layer.to_noise(tf.constant(values))
        assert np.abs(moved - values).max() > 0.1
        np.testing.assert_allclose(layer.from_noise(moved), values, atol=1e-4)


def test_the_density_integrates_to_one():
    axis = np.linspace(-12, 12, 601)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).astype(np.float32)
    density = np.exp(bent().log_density(tf.constant(grid)).numpy().astype(np.float64))
    assert density.sum() * 0.04**2 == pytest.approx(1.0, abs=2e-3)


@pytest.fixture(scope="module")
def banana() -> tuple[np.ndarray, np.ndarray]:
    """Codes of a known density that is no Gaussian, and their log-densities."""
    noise = np.random.default_rng(1).normal(size=(12_000, 2))
    codes = np.stack([noise[:, 0], np.square(noise[:, 0]) + 0.3 * noise[:, 1]], axis=1)
    return codes, stats.norm.logpdf(noise).sum(axis=1) - np.log(0.3)


@pytest.fixture(scope="module")
def fitted(banana) -> CouplingFlow:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows, "_STEPS", 600)
        return fit_flow(banana[0][:8000], seed=0)


def test_the_fit_finds_a_known_density(banana, fitted):
    codes, log_density = (values[8000:] for values in banana)
    difference = log_density - fitted.log_density(tf.constant(codes, tf.float32)).numpy()
    gaussian = stats.multivariate_normal(codes.mean(axis=0), np.cov(codes.T)).logpdf(codes)
    # The difference is the KL divergence from the known density; of the best Gaussian it is 1.2 nats.
    assert -0.01 < difference.mean() < 0.15
    assert (log_density - gaussian).mean() > 1.0


def test_samples_of_the_fit_lie_where_the_codes_lie(fitted):
    drawn = draw(fitted, standard_normal(4000))
    residual = (drawn[:, 1] - np.square(drawn[:, 0])) / 0.3
    assert np.median(np.abs(residual)) == pytest.approx(stats.norm.ppf(0.75), abs=0.15)
    assert stats.kstest(drawn[:, 0], "norm").statistic < 0.06


@pytest.mark.parametrize("codes", [np.zeros((1, 3)), np.repeat([[0.0, 1.0], [5.0, 1.0]], 200, axis=0)], ids=["one", "two"])
def test_degenerate_codes_have_a_flow_with_finite_densities_and_samples_near_them(codes, monkeypatch):
    monkeypatch.setattr(flows, "_STEPS", 20)
    flow = fit_flow(codes, seed=0)
    assert np.isfinite(flow.log_density(tf.constant(codes, tf.float32))).all()
    drawn = draw(flow, standard_normal(200, codes.shape[1]))
    assert np.abs(drawn - codes.mean(axis=0)).max() < 4 * max(float(np.ptp(codes, axis=0).max()), 0.1)


def test_a_seed_gives_the_same_flow_bit_for_bit(random, monkeypatch):
    monkeypatch.setattr(flows, "_STEPS", 20)
    codes = random.gamma(2.0, size=(2000, 3))
    for first, second in zip(fit_flow(codes, 1).variables, fit_flow(codes, 1).variables, strict=True):
        np.testing.assert_array_equal(first, second)


def test_what_is_no_matrix_of_finite_codes_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        fit_flow(np.array([[0.0, np.nan]]), seed=0)
