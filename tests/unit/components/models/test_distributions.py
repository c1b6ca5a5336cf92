"""Likelihoods, the KL divergence and the reparameterisation, compared with scipy and TensorFlow."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf

from components.models.config import ModelConfig
from components.models.distributions import (
    BernoulliPixels,
    DiscretizedLogisticPixels,
    GaussianPixels,
    SpreadGaussianPixels,
    bits_per_dimension,
    kl_divergence,
    pixel_distribution,
    reparameterize,
)


@pytest.fixture
def logits(random):
    return random.normal(scale=4, size=(5, 4, 3, 2)).astype(np.float32)


def test_the_bernoulli_log_likelihood_of_binary_images_is_scipys_summed_over_pixels(random, logits):
    pixels = random.integers(2, size=logits.shape).astype(np.float32)
    expected = scipy.stats.bernoulli.logpmf(pixels, scipy.special.expit(logits.astype(np.float64))).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(BernoulliPixels().log_likelihood(pixels, logits), expected, rtol=1e-5)


def test_the_bernoulli_log_likelihood_of_grey_images_weighs_both_outcomes_by_the_grey(random, logits):
    pixels = random.uniform(size=logits.shape).astype(np.float32)
    probabilities = scipy.special.expit(logits.astype(np.float64))
    expected = scipy.special.xlogy(pixels, probabilities) + scipy.special.xlog1py(1.0 - pixels, -probabilities)
    np.testing.assert_allclose(BernoulliPixels().log_likelihood(pixels, logits), expected.sum(axis=(1, 2, 3)), rtol=1e-5)


def test_the_bernoulli_loss_of_a_grey_image_is_its_entropy_at_best(random):
    probabilities = random.uniform(0.05, 0.95, size=(1, 6, 6, 1))
    entropy = scipy.stats.bernoulli.entropy(probabilities).sum()
    best = scipy.special.logit(probabilities)
    pixels = probabilities.astype(np.float32)
    np.testing.assert_allclose(-BernoulliPixels().log_likelihood(pixels, best.astype(np.float32)), [entropy], rtol=1e-6)
    for scale in (0.01, 0.3, 3.0):
        other = (best + random.normal(scale=scale, size=best.shape)).astype(np.float32)
        assert -BernoulliPixels().log_likelihood(pixels, other)[0] > entropy


def test_the_bernoulli_log_likelihood_stays_finite_where_the_decoder_is_certain_and_wrong():
    result = BernoulliPixels().log_likelihood(tf.constant([[1.0, 0.0]]), tf.constant([[-500.0, 500.0]]))
    np.testing.assert_allclose(result, [-1000.0])


@pytest.mark.parametrize("stddev", [0.1, 1.0, 3.0])
def test_the_gaussian_log_likelihood_is_scipys_summed_over_pixels(random, stddev):
    pixels = random.uniform(size=(5, 4, 3, 2)).astype(np.float32)
    mean = random.uniform(size=pixels.shape).astype(np.float32)
    result = GaussianPixels(stddev).log_likelihood(pixels, mean)
    by_scipy = scipy.stats.norm.logpdf(pixels.astype(np.float64), mean, stddev).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(result, by_scipy, rtol=1e-4)


def test_the_log_likelihood_of_a_learned_spread_is_scipys_with_a_standard_deviation_for_each_pixel(random):
    pixels = random.uniform(size=(5, 4, 3, 2)).astype(np.float32)
    mean, log_stddev = random.uniform(size=(2, *pixels.shape)).astype(np.float32) - [[[[[0.0]]]], [[[[2.0]]]]]
    result = SpreadGaussianPixels().log_likelihood(pixels, np.concatenate([mean, log_stddev], axis=-1).astype(np.float32))
    by_scipy = scipy.stats.norm.logpdf(pixels.astype(np.float64), mean, np.exp(log_stddev)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(result, by_scipy, rtol=1e-4)


LEVELS = np.arange(256)


def log_probabilities(mean: float, scale: float) -> np.ndarray:
    """Of the 256 levels, each as an image of one pixel, by the model."""
    pixels = (LEVELS / 255).astype(np.float32).reshape(-1, 1, 1, 1)
    parameters = np.broadcast_to(np.array([mean, np.log(scale)], np.float32), (256, 1, 1, 2))
    return DiscretizedLogisticPixels().log_likelihood(pixels, parameters).numpy().astype(np.float64)


def by_scipy(mean: float, scale: float) -> np.ndarray:
    """The same as differences of the cumulative distribution, in float64, each on the side where it is small."""
    logistic = scipy.stats.logistic(np.float32(mean), np.float64(np.exp(np.float32(np.log(scale)))))
    edges = np.concatenate([[-np.inf], (LEVELS[1:] - 0.5) / 255, [np.inf]])
    above_mean = edges[:-1] > mean
    return np.where(above_mean, -np.diff(logistic.sf(edges)), np.diff(logistic.cdf(edges)))


MEANS = [-0.3, 0.0, 0.2, 0.5, 0.7001, 1.0, 1.4]
SCALES = [0.1 / 255, 1 / 255, 0.02, 0.3, 5.0, 1e4]


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("scale", SCALES)
def test_the_probabilities_of_the_256_levels_sum_to_one_and_are_scipys(mean, scale):
    found, expected = log_probabilities(mean, scale), by_scipy(mean, scale)
    assert found.max() <= 0
    np.testing.assert_allclose(np.exp(found).sum(), 1, atol=2e-4)
    # The position of a pixel has 7 digits, of which the smallest scale shows the last.
    possible = expected > 1e-290
    np.testing.assert_allclose(found[possible], np.log(expected[possible]), rtol=1e-4, atol=1e-3)


def test_far_from_a_narrow_mean_the_log_probability_falls_by_one_over_the_scale():
    """There P(k) is exp(-(x - m) / s) times a constant, far too small for a number of its own."""
    found = log_probabilities(mean=0.0, scale=0.1 / 255)
    np.testing.assert_allclose(np.diff(found)[10:254], -10, atol=2e-3)
    assert found[254] < -2500


def test_logarithms_and_gradients_of_the_levels_are_finite_at_every_scale():
    mean, log_scale, level = np.meshgrid([-1e4, -1.0, 0.0, 0.5, 1.0, 1e4], [-7.8, -3.0, 0.0, 10.0, 60.0], [0, 1, 128, 254, 255])
    pixels = (level / 255).astype(np.float32).reshape(-1, 1, 1, 1)
    parameters = tf.constant(np.stack([mean, log_scale], axis=-1).reshape(-1, 1, 1, 2), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        found = DiscretizedLogisticPixels().log_likelihood(pixels, parameters)
    assert np.isfinite(found).all()
    assert np.isfinite(tape.gradient(found, parameters)).all()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("mean", MEANS)
def test_the_expected_image_is_the_expectation_of_the_levels_but_for_rounding(mean, scale):
    parameters = np.array([mean, np.log(scale)], np.float32).reshape(1, 1, 1, 2)
    found = float(DiscretizedLogisticPixels().expected_image(parameters)[0, 0, 0, 0])
    expected = (by_scipy(mean, scale) * LEVELS).sum() / 255
    assert found == pytest.approx(expected, abs=0.51 / 255 if scale < 1 / 255 else 1e-3)


def test_a_uniform_distribution_over_the_levels_has_eight_bits_per_dimension():
    np.testing.assert_allclose(bits_per_dimension(tf.constant([12 * math.log(256)]), (2, 2, 3)), [8.0], rtol=1e-6)


@pytest.fixture
def posterior(random):
    return random.normal(size=(6, 4)).astype(np.float32), random.uniform(-4, 1.5, size=(6, 4)).astype(np.float32)


def test_the_kl_divergence_is_the_integral_of_the_log_ratio_for_each_dimension(posterior):
    def by_quadrature(mean: float, log_variance: float) -> float:
        normal, prior = scipy.stats.norm(mean, math.exp(log_variance / 2)), scipy.stats.norm()
        low, high = normal.interval(1 - 1e-14)
        return scipy.integrate.quad(lambda z: normal.pdf(z) * (normal.logpdf(z) - prior.logpdf(z)), low, high)[0]

    mean, log_variance = posterior
    np.testing.assert_allclose(kl_divergence(mean, log_variance), np.vectorize(by_quadrature)(mean, log_variance), rtol=1e-4)


def test_the_kl_divergence_is_the_mean_log_ratio_of_the_densities_by_monte_carlo(random, posterior):
    mean, log_variance = (values.astype(np.float64) for values in posterior)
    stddev = np.exp(log_variance / 2)
    count = 50_000
    codes = mean + stddev * random.normal(size=(count, *mean.shape))
    log_ratios = scipy.stats.norm.logpdf(codes, mean, stddev) - scipy.stats.norm.logpdf(codes)
    standard_error = log_ratios.std(axis=0) / np.sqrt(count)
    assert standard_error.max() < 0.02
    deviation = (kl_divergence(*posterior).numpy() - log_ratios.mean(axis=0)) / standard_error
    assert np.abs(deviation).max() < 4


def test_the_kl_divergence_of_the_prior_from_itself_is_zero():
    assert not np.any(kl_divergence(tf.zeros((2, 3)), tf.zeros((2, 3))))


def test_a_reparameterised_sample_is_the_mean_plus_so_many_standard_deviations():
    sample = reparameterize(tf.constant([[1.0, -2.0]]), tf.math.log([[4.0, 0.25]]), tf.constant([[3.0, -1.0]]))
    np.testing.assert_allclose(sample, [[7.0, -2.5]], rtol=1e-6)


def test_the_gradient_of_the_bernoulli_log_likelihood_is_that_of_tensorflows_cross_entropy(random, logits):
    pixels, weights = random.uniform(size=logits.shape).astype(np.float32), np.array([1.0, -2.0, 0.5, 0.0, 3.0], np.float32)
    values = tf.constant(logits)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        ours = tf.reduce_sum(weights * BernoulliPixels().log_likelihood(pixels, values))
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=pixels, logits=values)
        theirs = -tf.reduce_sum(weights * tf.reduce_sum(cross_entropy, axis=(1, 2, 3)))
    np.testing.assert_allclose(tape.gradient(ours, values), tape.gradient(theirs, values), atol=1e-6)


@pytest.fixture(
    params=[("bernoulli", None), ("gaussian", None), ("gaussian", "shared"), ("discretized_logistic", "pixel")], ids=str
)
def config(request):
    likelihood, spread = request.param
    return ModelConfig(likelihood=likelihood, spread=spread)


@pytest.fixture
def distribution(config):
    return pixel_distribution(config)


@pytest.fixture
def with_scale(config):
    """Appends a log scale to the first parameters, if the distribution has one."""
    return lambda parameters: np.append(parameters, np.full_like(parameters, -12.0), axis=-1) if config.spread else parameters


@pytest.mark.parametrize("pixel_mean", [0.001, 0.13, 0.5, 0.999])
def test_the_expected_image_of_the_mean_pixels_parameter_is_the_mean_pixel(distribution, with_scale, pixel_mean):
    parameters = with_scale(np.full((1, 2, 2, 1), distribution.parameter_of(pixel_mean), np.float32))
    np.testing.assert_allclose(distribution.expected_image(parameters), np.full((1, 2, 2, 1), pixel_mean), rtol=1e-4)


@pytest.mark.parametrize("pixel_mean", [0.0, 1.0])
def test_an_all_black_or_all_white_data_set_has_a_finite_parameter(distribution, pixel_mean):
    assert np.isfinite(distribution.parameter_of(pixel_mean))


def test_the_expected_image_can_be_shown_whatever_the_parameters(distribution, with_scale):
    image = distribution.expected_image(with_scale(np.array([-1e6, -0.5, 0.5, 1.5, 1e6], np.float32))).numpy()
    assert image.min() >= 0
    assert image.max() <= 1


def test_the_gaussian_takes_its_standard_deviation_from_the_configuration():
    distribution = pixel_distribution(ModelConfig(likelihood="gaussian", gaussian_stddev=0.5))
    # Log-density of a standard deviation of 0.5 at one standard deviation: -ln(0.5) - ln(2 pi) / 2 - 1 / 2.
    result = distribution.log_likelihood(np.full((1, 1, 1, 1), 0.7, np.float32), np.full((1, 1, 1, 1), 0.2, np.float32))
    np.testing.assert_allclose(result, [-0.7257914], rtol=1e-5)
