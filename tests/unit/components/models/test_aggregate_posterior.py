import math

import numpy as np
import pytest

from components.models.aggregate_posterior import decompose_rate
from components.models.distributions import kl_divergence


def draw(random, mean, log_variance):
    return mean + np.exp(0.5 * log_variance) * random.normal(size=mean.shape)


def test_posteriors_that_do_not_overlap_tell_every_image_from_every_other(random):
    mean = 100.0 * np.arange(7.0)[:, np.newaxis] * np.ones((7, 2))
    log_variance = np.zeros_like(mean)
    rate = decompose_rate(mean, log_variance, draw(random, mean, log_variance))
    assert rate.mutual_information == pytest.approx(math.log(7))


def test_a_posterior_that_does_not_depend_on_the_image_tells_nothing_about_it(random):
    mean, log_variance = np.full((2000, 1), 0.5), np.full((2000, 1), math.log(0.25))
    rate = decompose_rate(mean, log_variance, draw(random, mean, log_variance))
    assert rate.mutual_information == pytest.approx(0, abs=1e-9)
    # All of the KL divergence is marginal: (1/4 + 1/4 - 1 - ln(1/4)) / 2 = 0.443147; the standard error is about 0.01.
    assert rate.marginal_kl == pytest.approx(0.443147, abs=0.04)


def test_codes_of_gaussian_images_have_the_mutual_information_of_a_gaussian_channel(random):
    signal, noise = 0.8, 0.3
    mean = random.normal(scale=signal, size=(4000, 2))
    log_variance = np.full_like(mean, math.log(noise**2))
    rate = decompose_rate(mean, log_variance, draw(random, mean, log_variance))
    # Shannon: log(1 + signal^2 / noise^2) / 2 for each dimension, and the codes are Gaussian with variance 0.73.
    assert rate.mutual_information == pytest.approx(math.log(1 + (signal / noise) ** 2), abs=0.06)
    assert rate.marginal_kl == pytest.approx(0.73 - 1 - math.log(0.73), abs=0.03)


def test_mutual_information_and_marginal_kl_add_up_to_the_kl_divergence(random):
    mean, log_variance = random.normal([0.0, 0.5, -1.0], size=(3000, 3)), random.normal(-1, 0.5, size=(3000, 3))
    codes = draw(random, mean, log_variance)
    rate = decompose_rate(mean, log_variance, codes)
    divergence = kl_divergence(np.float32(mean), np.float32(log_variance)).numpy().sum(axis=1).mean()
    # The sum is a Monte Carlo estimate of the divergence, whose standard error is that of log q(z|x) - log p(z).
    estimate = 0.5 * (codes**2 - (codes - mean) ** 2 / np.exp(log_variance) - log_variance).sum(axis=1)
    assert rate.mutual_information + rate.marginal_kl == pytest.approx(estimate.mean(), rel=1e-9)
    standard_error = estimate.std() / math.sqrt(3000)
    assert abs(rate.mutual_information + rate.marginal_kl - divergence) < 4 * standard_error
    assert standard_error < 0.05


def test_every_image_counts_wherever_it_stands(random):
    mean, log_variance = random.normal(size=(1201, 2)), random.normal(-1, 0.5, size=(1201, 2))
    codes = draw(random, mean, log_variance)
    densities = np.exp(
        -0.5 * ((codes[:, None] - mean) ** 2 / np.exp(log_variance) + log_variance + math.log(2 * math.pi)).sum(-1)
    )
    expected = np.mean(np.log(np.diag(densities)) - np.log(densities.mean(axis=1)))
    assert decompose_rate(mean, log_variance, codes).mutual_information == pytest.approx(expected)
