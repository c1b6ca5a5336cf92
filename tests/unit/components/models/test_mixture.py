"""Mixtures of Gaussians beside SciPy's densities, and their fit to codes whose distribution is known."""

import logging

import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from components.models.mixture import GaussianMixture, MixtureParameters, fit_mixture

KNOWN = MixtureParameters(
    np.array([0.25, 0.75]),
    np.array([[-2.0, 1.0, 0.0], [3.0, 0.0, 1.0]]),
    np.array([[[0.5, 0, 0], [0.2, 0.4, 0], [0, 0, 1.0]], [[1.0, 0, 0], [-0.5, 0.8, 0], [0.1, 0.3, 0.2]]]),
)


def log_density(parameters: MixtureParameters, codes: np.ndarray) -> np.ndarray:
    parts = [
        np.log(weight) + stats.multivariate_normal(mean, cholesky @ cholesky.T).logpdf(codes)
        for weight, mean, cholesky in zip(*parameters, strict=True)
    ]
    return np.asarray(special.logsumexp(parts, axis=0))


def draw(parameters: MixtureParameters, count: int, random: np.random.Generator) -> np.ndarray:
    noise, choice = random.normal(size=(count, 3)).astype(np.float32), random.random(count).astype(np.float32)
    return GaussianMixture(parameters).sample(tf.constant(noise), tf.constant(choice)).numpy()


def test_the_density_is_scipys_for_codes_of_any_shape(random):
    codes = random.normal(0.0, 2.0, size=(2, 5, 3)).astype(np.float32)
    found = GaussianMixture(KNOWN).log_density(tf.constant(codes))
    np.testing.assert_allclose(found, log_density(KNOWN, codes), rtol=1e-4)


def test_samples_have_the_moments_of_the_mixture(random):
    codes, count = draw(KNOWN, 200_000, random), 200_000
    mean = KNOWN.weights @ KNOWN.means
    centred = KNOWN.means - mean
    covariance = np.einsum("k,kij,klj->il", KNOWN.weights, KNOWN.choleskys, KNOWN.choleskys)
    covariance += np.einsum("k,ki,kj->ij", KNOWN.weights, centred, centred)
    np.testing.assert_array_less(np.abs(codes.mean(axis=0) - mean), 4 * np.sqrt(np.diag(covariance) / count))
    np.testing.assert_allclose(np.cov(codes.T), covariance, atol=0.05)
    assert (codes[:, 0] < 0).mean() == pytest.approx(0.25, abs=0.01)


def test_the_fit_describes_other_codes_in_as_many_nats_as_the_mixture_that_they_come_from(random):
    codes, others = draw(KNOWN, 20_000, random), draw(KNOWN, 20_000, random)
    fitted = fit_mixture(codes, 2, seed=0)
    difference = log_density(KNOWN, others) - log_density(fitted, others)
    # 19 parameters cost about 19 / (2 * 20,000) nats, and the ridge of 0.001 a little more.
    assert -0.001 < difference.mean() < 0.01
    np.testing.assert_allclose(np.sort(fitted.weights), [0.25, 0.75], atol=0.02)


def test_more_components_describe_a_ring_better(random):
    angle = random.uniform(0, 2 * np.pi, size=8000)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) + random.normal(0, 0.05, size=(8000, 2))
    nats = [-log_density(fit_mixture(ring[:4000], components, 0), ring[4000:]).mean() for components in (1, 4, 16)]
    assert nats[0] > nats[1] + 0.3
    assert nats[1] > nats[2] + 0.2
    # The entropy of the ring: log 2 pi along it, and log 0.05 + log(2 pi e) / 2 across it.
    assert nats[2] == pytest.approx(0.261, abs=0.1)


def test_a_seed_gives_the_same_mixture_bit_for_bit(random):
    codes = random.normal(size=(3000, 4))
    one, again, other = (fit_mixture(codes, 5, seed) for seed in (1, 1, 2))
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert np.any(one.means != other.means)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((1, 3)),
        np.full((500, 2), 7.0),
        np.repeat([[0.0, 1.0], [5.0, 1.0]], 300, axis=0),
        np.outer(np.linspace(-1, 1, 600), [1.0, -2.0, 0.0, 1e-8]),
        1e4 + np.random.default_rng(0).normal(size=(400, 2)) * [1e-4, 1e4],
    ],
    ids=["one code", "one code many times", "two codes", "dependent and constant dimensions", "scales far apart"],
)
def test_degenerate_codes_have_a_mixture_with_finite_densities_and_samples_near_them(codes, random):
    mixture = GaussianMixture(fit_mixture(codes, 10, seed=0))
    assert np.isfinite(mixture.log_density(tf.constant(codes, tf.float32))).all()
    noise, choice = random.normal(size=(200, codes.shape[1])), random.random(200)
    drawn = mixture.sample(tf.constant(noise, tf.float32), tf.constant(choice, tf.float32)).numpy()
    spread = max(float(np.ptp(codes, axis=0).max()), 0.1)
    assert np.abs(drawn - codes.mean(axis=0)).max() < 2 * spread


@pytest.mark.parametrize(("codes", "components", "has"), [(65, 3, "3 Gaussians"), (25, 1, "1 Gaussian")])
def test_components_that_the_codes_are_not_enough_for_are_left_out_with_a_warning(codes, components, has, random, caplog):
    with caplog.at_level(logging.WARNING, "tfx_vae.trainer"):
        fitted = fit_mixture(random.normal(size=(codes, 2)), 50, seed=0)
    assert len(fitted.weights) == components
    assert caplog.messages == [f"The prior has {has} instead of 50: each needs 20 codes, and their number is {codes}."]


@pytest.mark.parametrize("codes", [np.zeros((0, 3)), np.zeros(3), np.array([[0.0, np.nan]])])
def test_what_is_no_matrix_of_finite_codes_is_refused(codes):
    with pytest.raises(ValueError, match="A mixture"):
        fit_mixture(codes, 2, seed=0)
