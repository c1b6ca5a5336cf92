"""Active units, the parts of the rate, the distance from the prior, and paths, compared with closed forms."""

import math

import numpy as np
import pytest
import tensorflow as tf

from components.models.distributions import kl_divergence
from components.models.latent_space import LatentMoments, decompose_rate, linear_path, maximum_mean_discrepancy, spherical_path

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


def test_the_marginal_kl_of_another_prior_adds_what_it_says_of_the_same_codes(random):
    mean, log_variance = random.normal(0.5, 1.0, size=(3000, 2)), np.full((3000, 2), math.log(0.25))
    codes = draw(random, mean, log_variance)
    # The prior N(0.5, 1.25 I) is the aggregate posterior itself.
    beyond = (0.5 * (codes - 0.5) ** 2 / 1.25 + 0.5 * math.log(1.25) - 0.5 * codes**2).sum(axis=1)
    rate, trained = decompose_rate(mean, log_variance, codes, beyond), decompose_rate(mean, log_variance, codes)
    assert rate.mutual_information == trained.mutual_information
    assert rate.marginal_kl == pytest.approx(0, abs=0.03)
    assert trained.marginal_kl > 0.2


def test_every_image_counts_wherever_it_stands(random):
    mean, log_variance = random.normal(size=(1201, 2)), random.normal(-1, 0.5, size=(1201, 2))
    codes = draw(random, mean, log_variance)
    densities = np.exp(
        -0.5 * ((codes[:, None] - mean) ** 2 / np.exp(log_variance) + log_variance + math.log(2 * math.pi)).sum(-1)
    )
    expected = np.mean(np.log(np.diag(densities)) - np.log(densities.mean(axis=1)))
    assert decompose_rate(mean, log_variance, codes).mutual_information == pytest.approx(expected)


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


both_paths = pytest.mark.parametrize("path", [linear_path, spherical_path])


@pytest.fixture
def ends():
    """Start and end codes of 500 paths in 32 dimensions."""
    codes = np.random.default_rng(0).normal(size=(2, 500, 32)).astype(np.float32)
    return codes[0], codes[1]


@both_paths
@pytest.mark.parametrize("steps", [2, 3, 10])
def test_a_path_has_as_many_codes_as_asked_and_ends_exactly_where_it_should(path, ends, steps):
    codes = path(*ends, tf.constant(steps)).numpy()
    assert codes.shape == (500, steps, 32)
    np.testing.assert_array_equal(codes[:, 0], ends[0])
    np.testing.assert_array_equal(codes[:, -1], ends[1])


def test_a_spherical_path_ends_exactly_also_where_sines_of_one_angle_differ():
    # A vectorised sine and a scalar one can differ in the last bit, and TensorFlow takes one for 7 angles and the other for the
    # 7 x 16 products of angle and time: without care it shows in about one call in eight.
    random = np.random.default_rng(0)
    for _ in range(50):
        start, end = random.normal(size=(2, 7, 32)).astype(np.float32)
        codes = spherical_path(start, end, 16).numpy()
        np.testing.assert_array_equal(codes[:, 0], start)
        np.testing.assert_array_equal(codes[:, -1], end)


@both_paths
def test_a_path_of_one_step_is_its_start(path, ends):
    np.testing.assert_array_equal(path(*ends, 1), ends[0][:, np.newaxis])


@both_paths
def test_the_number_of_steps_may_be_known_only_when_it_runs(path, ends):
    signature = [tf.TensorSpec((None, 32)), tf.TensorSpec((None, 32)), tf.TensorSpec((), tf.int32)]
    traced = tf.function(path, input_signature=signature)
    for steps in (1, 4, 7):
        np.testing.assert_allclose(traced(*ends, steps), path(*ends, steps), rtol=1e-5, atol=1e-6)


def test_a_linear_path_goes_in_equal_steps():
    codes = linear_path(np.array([[0, 8]], np.float32), np.array([[4, 0]], np.float32), 5)
    np.testing.assert_array_equal(codes, [[[0, 8], [1, 6], [2, 4], [3, 2], [4, 0]]])


def test_a_spherical_path_between_two_axes_goes_along_the_circle_in_equal_angles():
    codes = spherical_path(np.array([[2, 0]], np.float32), np.array([[0, 2]], np.float32), 4)
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(codes[0], 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1), atol=1e-6)


def test_a_spherical_path_keeps_the_length_of_its_ends_where_the_straight_line_is_shorter(ends):
    start, end = (3 * codes / np.linalg.norm(codes, axis=1, keepdims=True) for codes in ends)
    np.testing.assert_allclose(np.linalg.norm(spherical_path(start, end, 9), axis=2), 3.0, rtol=1e-5)
    assert np.linalg.norm(linear_path(start, end, 9), axis=2)[:, 4].max() < 2.7


def test_a_short_arc_keeps_its_length_as_precisely_as_a_long_one():
    start, end = np.array([[1, 0]], np.float32), np.array([[np.cos(0.002), np.sin(0.002)]], np.float32)
    middle = spherical_path(start, end, 3)[0, 1]
    np.testing.assert_allclose(middle, [np.cos(0.001), np.sin(0.001)], rtol=1e-4)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([1.0, 2.0], id="the start itself"),
        pytest.param([3.0, 6.0], id="the same direction"),
        pytest.param([1.0, 2.0000002], id="nearly the same direction"),
        pytest.param([-1.0, -2.0], id="the opposite direction"),
        pytest.param([-3.0, -6.000001], id="nearly the opposite direction"),
        pytest.param([0.0, 0.0], id="zero"),
    ],
)
def test_a_spherical_path_is_the_straight_line_where_no_arc_is_defined(end):
    start, end = np.array([[1, 2]], np.float32), np.array([end], np.float32)
    np.testing.assert_allclose(spherical_path(start, end, 5), linear_path(start, end, 5), atol=1e-6)
    np.testing.assert_allclose(spherical_path(end, start, 5), linear_path(end, start, 5), atol=1e-6)


def test_a_degenerate_path_leaves_its_neighbours_alone(ends):
    start, end = (codes[:3].copy() for codes in ends)
    end[1] = 0.0
    alone = spherical_path(start[[0, 2]], end[[0, 2]], 4)
    np.testing.assert_array_equal(spherical_path(start, end, 4).numpy()[[0, 2]], alone)
