"""The losses, the objectives and the importance-weighted bound: by hand, and on a VAE whose log p(x) is known."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from support.linear_gaussian import LinearGaussian

from components.artifacts.features import LOSSES
from components.models.config import Objective
from components.models.flow import CouplingFlow
from components.models.mixture import GaussianMixture, MixtureParameters
from components.models.objectives import (
    importance_weighted_bound,
    kl_weight,
    log_importance_weights,
    per_example_losses,
    sample_posterior,
    sampled_losses,
    training_objective,
)
from components.models.prior import VampPrior

every_model = pytest.mark.parametrize(("kind", "network"), [("ae", "dense"), ("ae", "conv"), ("vae", "dense"), ("vae", "conv")])


@pytest.fixture
def known_model(make_model):
    """A VAE of two pixels whose posterior and likelihood are the same for every image.

    All kernels are zero, so that every output is its bias: posterior means (1, 2), variances (1, 1/4), pixel probability 3/4.
    """
    model = make_model(image_shape=(1, 2, 1), latent_dim=2)
    for variable in model.variables:
        if variable.name == "kernel":
            variable.assign(tf.zeros_like(variable))
    model.encoder.get_layer("mean").bias.assign([1.0, 2.0])
    model.encoder.get_layer("log_variance").bias.assign([0.0, math.log(0.25)])
    model.decoder.get_layer("pixels").bias.assign([math.log(3.0), math.log(3.0)])
    return model


@pytest.fixture
def known_images():
    return tf.reshape(tf.constant([[1.0, 0.0], [1.0, 1.0]]), (2, 1, 2, 1))


def test_the_losses_are_those_computed_by_hand(known_model, known_images, make_noise):
    losses = per_example_losses(known_model, known_images, known_images, make_noise(2, latent_dim=2))
    # -ln(3/4) = 0.287682 for a pixel that is on, -ln(1/4) = 1.386294 for one that is off.
    np.testing.assert_allclose(losses.reconstruction_loss, [1.673976, 0.575364], rtol=1e-5)
    # (1/4)^2 = 0.0625 on, (3/4)^2 = 0.5625 off.
    np.testing.assert_allclose(losses.squared_error, [0.625, 0.125], rtol=1e-5)
    # (1 + 1 - 1 - 0) / 2 = 0.5, and (4 + 1/4 - 1 - ln(1/4)) / 2 = 2.318147.
    np.testing.assert_allclose(losses.kl_divergence, [2.818147, 2.818147], rtol=1e-5)
    np.testing.assert_allclose(losses.negative_elbo, [4.492123, 3.393511], rtol=1e-5)


def test_the_elbo_objective_is_the_reconstruction_loss_plus_beta_times_the_kl(known_model, known_images, make_noise):
    samples = sample_posterior(known_model, known_images, known_images, make_noise(2, latent_dim=2)[tf.newaxis])
    losses = sampled_losses(known_model, known_images, samples)
    for beta, expected in ((1.0, [4.492123, 3.393511]), (0.5, [3.083050, 1.984438])):
        np.testing.assert_allclose(training_objective(Objective.ELBO, losses, samples, beta), expected, rtol=1e-5)


def test_the_iwae_objective_of_one_code_is_the_negative_elbo_within_the_monte_carlo_error(make_noise):
    count, model = 20_000, LinearGaussian(shift=0.5, scale=0.5)
    pixels = tf.broadcast_to(tf.reshape(np.array([0.9, 0.1, 0.5], np.float32), (1, 1, 3, 1)), (count, 1, 3, 1))
    elbo, iwae = (objective_of(model, pixels, make_noise(count, latent_dim=2), objective) for objective in Objective)
    assert np.std(iwae - elbo) > 0.1
    assert abs(np.mean(iwae - elbo)) < 4 * np.std(iwae - elbo) / math.sqrt(count)


def test_more_codes_bring_the_iwae_objective_to_the_negative_log_likelihood():
    model, pixels = LinearGaussian(shift=0.5, scale=2.0), np.array([0.9, 0.1, 0.5], np.float32)
    images = tf.broadcast_to(tf.reshape(pixels, (1, 1, 3, 1)), (500, 1, 3, 1))
    noise = tf.random.stateless_normal((200, 500, 2), seed=(3, 4))
    exact = -model.log_marginal_likelihood(pixels)
    single, many = (np.mean(objective_of(model, images, noise[:codes], Objective.IWAE)) for codes in (1, 200))
    assert abs(many - exact) < 0.02 < single - exact


def test_more_codes_leave_the_mean_of_the_elbo_objective_and_narrow_its_spread(make_noise):
    model, pixels = LinearGaussian(shift=0.5, scale=0.5), np.array([0.9, 0.1, 0.5], np.float32)
    images = tf.broadcast_to(tf.reshape(pixels, (1, 1, 3, 1)), (4000, 1, 3, 1))
    noise = tf.random.stateless_normal((16, 4000, 2), seed=(3, 4))
    one, sixteen = (objective_of(model, images, noise[:codes], Objective.ELBO) for codes in (1, 16))
    assert abs(np.mean(one) - np.mean(sixteen)) < 4 * np.std(one) / math.sqrt(4000)
    assert np.std(sixteen) == pytest.approx(np.std(one) / 4, rel=0.1)


def objective_of(model, pixels, noise, objective) -> np.ndarray:
    """The objective of each image; without an axis of samples in the noise, of one code."""
    samples = sample_posterior(model, pixels, pixels, noise if len(noise.shape) == 3 else noise[tf.newaxis])
    return training_objective(objective, sampled_losses(model, pixels, samples), samples, 1.0).numpy()


def test_twice_the_pixels_give_twice_the_reconstruction_loss_and_the_same_kl(make_model, make_images, make_noise):
    small, large = (make_model(image_shape=shape, pixel_mean=0.5) for shape in ((4, 4, 1), (8, 4, 1)))
    for model in (small, large):
        model.decoder.get_layer("pixels").kernel.assign(tf.zeros_like(model.decoder.get_layer("pixels").kernel))
        model.encoder.get_layer("hidden_1").kernel.assign(tf.zeros_like(model.encoder.get_layer("hidden_1").kernel))
    one, two = (
        per_example_losses(model, images, images, make_noise(3))
        for model, images in ((small, make_images(3, (4, 4, 1))), (large, make_images(3, (8, 4, 1))))
    )
    np.testing.assert_allclose(one.reconstruction_loss, 16 * math.log(2), rtol=1e-6)
    np.testing.assert_allclose(two.reconstruction_loss, 32 * math.log(2), rtol=1e-6)
    np.testing.assert_array_equal(one.kl_divergence, two.kl_divergence)


@every_model
def test_every_model_gives_the_named_losses_for_each_example(make_model, make_images, make_noise, kind, network):
    losses = per_example_losses(make_model(kind=kind, network=network), make_images(3), make_images(3), make_noise(3))
    assert losses._fields == LOSSES
    for loss in losses:
        assert (loss.shape, loss.dtype) == ((3,), tf.float32)
    np.testing.assert_array_equal(losses.negative_elbo, losses.reconstruction_loss + losses.kl_divergence)


def test_the_objective_of_an_autoencoder_is_the_reconstruction_loss(make_model, make_images, make_noise):
    model = make_model(kind="ae")
    samples = sample_posterior(model, make_images(3), make_images(3), make_noise(3)[tf.newaxis])
    losses = sampled_losses(model, make_images(3), samples)
    np.testing.assert_array_equal(losses.kl_divergence, np.zeros(3))
    objective = training_objective(Objective.ELBO, losses, samples, beta=4.0)
    np.testing.assert_array_equal(objective, losses.reconstruction_loss)


def test_the_encoder_sees_the_inputs_and_the_likelihood_the_pixels(make_model, make_images, make_noise):
    model, images, noise = make_model(), make_images(3), make_noise(3)
    losses = per_example_losses(model, images, images, noise)
    other_inputs = per_example_losses(model, 2 * images - 1, images, noise)
    other_pixels = per_example_losses(model, images, 1 - images, noise)
    assert not np.any(losses.kl_divergence == other_inputs.kl_divergence)
    np.testing.assert_array_equal(losses.kl_divergence, other_pixels.kl_divergence)
    assert not np.any(losses.reconstruction_loss == other_pixels.reconstruction_loss)


def test_the_noise_alone_decides_the_result(make_model, make_images, make_noise):
    model, images = make_model(), make_images(3)
    first, again, other = (per_example_losses(model, images, images, make_noise(3, seed)) for seed in (0, 0, 1))
    tf.nest.map_structure(np.testing.assert_array_equal, first, again)
    assert not np.any(first.reconstruction_loss == other.reconstruction_loss)


def elbo(model, pixels, make_noise, count=100_000):
    """Mean and standard error of the ELBO of one image."""
    images = tf.broadcast_to(tf.reshape(pixels, (1, 1, 3, 1)), (count, 1, 3, 1))
    losses = per_example_losses(model, images, images, make_noise(count, latent_dim=2))
    return -np.mean(losses.negative_elbo), np.std(losses.negative_elbo) / math.sqrt(count)


@pytest.mark.parametrize("pixels", [np.array([0.9, 0.1, 0.5], np.float32), np.array([2.0, -1.0, 3.0], np.float32)])
def test_the_elbo_of_the_true_posterior_is_the_log_marginal_likelihood(make_noise, pixels):
    model = LinearGaussian()
    mean, standard_error = elbo(model, pixels, make_noise)
    assert standard_error < 0.01
    assert abs(mean - model.log_marginal_likelihood(pixels)) < 4 * standard_error


@pytest.mark.parametrize(("shift", "scale"), [(0.5, 1.0), (0.0, 3.0), (0.0, 0.3), (-1.0, 0.5)])
def test_the_elbo_of_any_other_posterior_is_below_the_log_marginal_likelihood(make_noise, shift, scale):
    model, pixels = LinearGaussian(shift, scale), np.array([0.9, 0.1, 0.5], np.float32)
    mean, standard_error = elbo(model, pixels, make_noise)
    assert mean + 4 * standard_error < model.log_marginal_likelihood(pixels)


def gradients(model, inputs, pixels, noise, objective=Objective.ELBO):
    with tf.GradientTape() as tape:
        samples = sample_posterior(model, inputs, pixels, noise[tf.newaxis], training=True)
        objective = tf.reduce_mean(training_objective(objective, sampled_losses(model, pixels, samples), samples, 1.0))
    return objective, tape.gradient(objective, model.trainable_variables)


def test_gradients_of_the_iwae_objective_reach_every_variable(make_model, make_images, make_noise):
    model, images = make_model(batch_normalization=False), make_images(4)
    _, found = gradients(model, images, images, make_noise(4), Objective.IWAE)
    assert all(np.all(np.isfinite(gradient)) and np.any(gradient != 0) for gradient in found)


@every_model
@pytest.mark.parametrize("batch_normalization", [True, False])
@pytest.mark.parametrize(
    "likelihood",
    [
        {"likelihood": "bernoulli"},
        {"likelihood": "gaussian"},
        {"likelihood": "gaussian", "spread": "image"},
        {"likelihood": "discretized_logistic"},
    ],
    ids=lambda likelihood: "-".join(likelihood.values()),
)
def test_gradients_reach_every_variable(make_model, make_images, make_noise, kind, network, batch_normalization, likelihood):
    model = make_model(kind=kind, network=network, batch_normalization=batch_normalization, **likelihood)
    images = make_images(4)
    _, found = gradients(model, images, images, make_noise(4))
    for variable, gradient in zip(model.trainable_variables, found, strict=True):
        assert np.all(np.isfinite(gradient)), variable.path
        assert np.any(gradient != 0), variable.path


@pytest.mark.parametrize("network", ["dense", "conv"])
@pytest.mark.parametrize("batch_normalization", [True, False])
@pytest.mark.parametrize("value", [0.0, 1e6, -1e6])
def test_extreme_images_give_finite_losses_and_gradients(
    make_model, make_images, make_noise, network, batch_normalization, value
):
    model = make_model(network=network, batch_normalization=batch_normalization)
    inputs = tf.concat([make_images(2), tf.fill((1, 7, 5, 3), value)], axis=0)
    objective, found = gradients(model, inputs, make_images(3), make_noise(3))
    assert np.isfinite(objective)
    assert all(np.all(np.isfinite(gradient)) for gradient in found)


def test_the_weight_of_the_kl_rises_linearly_to_beta_and_stays():
    weights = [float(kl_weight(epoch, warmup_epochs=10, beta=4.0)) for epoch in (0, 2.5, 5, 10, 25)]
    assert weights == [0.0, 1.0, 2.0, 4.0, 4.0]


def test_without_warm_up_the_weight_of_the_kl_is_beta_from_the_start():
    assert float(kl_weight(0, warmup_epochs=0, beta=4.0)) == 4.0


def test_the_weight_of_the_kl_can_follow_a_variable_inside_a_compiled_function():
    weight = tf.function(lambda epoch: kl_weight(epoch, warmup_epochs=4, beta=1.0), jit_compile=True)
    assert float(weight(tf.constant(3))) == 0.75


PIXELS = np.array([0.9, 0.1, 0.5], np.float32)


def log_weights(model, samples: int, images: int) -> np.ndarray:
    """Log weights [K, N] of one image, `images` times over, each with codes of its own."""
    pixels = tf.broadcast_to(tf.reshape(PIXELS, (1, 1, 3, 1)), (images, 1, 3, 1))
    noise = tf.random.stateless_normal((samples, images, 2), seed=(5, 6))
    return log_importance_weights(model, pixels, pixels, noise)


def mean_bound(model, samples: int, images: int = 2000) -> tuple[float, float]:
    """Mean and standard error of L_K."""
    bound = importance_weighted_bound(log_weights(model, samples, images)).numpy()
    return bound.mean(), bound.std() / math.sqrt(images)


def test_under_the_true_posterior_every_weight_is_the_marginal_likelihood():
    model = LinearGaussian()
    np.testing.assert_allclose(log_weights(model, 3, 4), model.log_marginal_likelihood(PIXELS), atol=1e-5)


def test_with_one_sample_the_bound_is_the_elbo_within_the_monte_carlo_error(make_model, make_images, make_noise):
    count, model = 20_000, make_model(image_shape=(2, 2, 1))
    model.encoder.get_layer("mean").bias.assign([1.0, -0.5, 2.0])
    images = tf.repeat(make_images(1, (2, 2, 1)), count, axis=0)
    weights = log_importance_weights(model, images, images, make_noise(count)[tf.newaxis])
    difference = (
        importance_weighted_bound(weights) + per_example_losses(model, images, images, make_noise(count, 1)).negative_elbo
    )
    assert abs(np.mean(difference)) < 4 * np.std(difference) / math.sqrt(count)
    assert np.std(difference) > 0.1


def test_the_bound_does_not_fall_as_samples_are_added():
    model = LinearGaussian(shift=0.5, scale=0.5)
    bounds = [mean_bound(model, samples) for samples in (1, 2, 8, 64)]
    for (fewer, error), (more, other_error) in itertools.pairwise(bounds):
        assert more > fewer + 4 * math.hypot(error, other_error)


def test_the_bound_converges_to_the_marginal_likelihood():
    model = LinearGaussian(shift=0.5, scale=2.0)
    expected = model.log_marginal_likelihood(PIXELS)
    single, _ = mean_bound(model, 1)
    many, standard_error = mean_bound(model, 5000, images=50)
    assert single < expected - 0.5
    assert standard_error < 0.005
    assert abs(many - expected) < 4 * standard_error + 1e-3


def test_the_bound_is_the_logarithm_of_the_mean_weight():
    weights = np.array([[1.0, 2.0], [3.0, 8.0]], np.float32)
    np.testing.assert_allclose(importance_weighted_bound(tf.math.log(weights)), np.log([2.0, 5.0]), rtol=1e-6)


@pytest.mark.parametrize("offset", [-5000.0, 5000.0])
def test_weights_beyond_the_range_of_a_float_neither_vanish_nor_overflow(offset):
    bound = importance_weighted_bound(tf.constant([[offset], [offset + math.log(3)]]))
    np.testing.assert_allclose(bound, [offset + math.log(2)], rtol=1e-6)


def test_importance_weights_encode_the_inputs_and_judge_the_pixels(make_model, make_images, make_noise):
    model, images = make_model(batch_normalization=False), make_images(3)
    noise = tf.stack([make_noise(3, 0), make_noise(3, 1)])
    inverted = log_importance_weights(model, images, 1 - images, noise)
    for sample in range(2):
        alone = log_importance_weights(model, images, 1 - images, noise[sample : sample + 1])
        np.testing.assert_allclose(inverted[sample], alone[0], rtol=1e-5)
    assert not np.any(inverted == log_importance_weights(model, images, images, noise))
    assert not np.any(inverted == log_importance_weights(model, 2 * images - 1, 1 - images, noise))


def test_a_deterministic_code_has_no_weights(make_model, make_images, make_noise):
    with pytest.raises(ValueError, match="deterministic code"):
        log_importance_weights(make_model(kind="ae"), make_images(3), make_images(3), make_noise(3)[tf.newaxis])


MIXTURE = GaussianMixture(
    MixtureParameters(
        np.array([0.3, 0.7]),
        np.array([[1.0, -0.5], [-0.5, 0.5]]),
        np.array([[[0.6, 0.0], [0.3, 0.4]], [[0.9, 0.0], [-0.2, 0.7]]]),
    )
)


def grid_of_codes() -> np.ndarray:
    """Codes from -6 to 6, 0.02 apart."""
    axis = np.linspace(-6, 6, 601)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32)


VAMP = VampPrior(tf.constant([[1.5, -1.0], [-0.5, 1.0]]), tf.constant([[-1.0, 0.2], [-0.4, -1.5]]))


def bent_flow() -> CouplingFlow:
    """A flow with random weights, far from linear."""
    random, flow = np.random.default_rng(0), CouplingFlow([0.2, -0.3], [[0.7, 0.0], [0.3, 0.8]], seed=0)
    for variable in flow.trainable_variables:
        variable.assign_add(random.normal(0.0, 0.06, size=variable.shape))
    return flow


@pytest.mark.parametrize("prior", [MIXTURE, VAMP, bent_flow()], ids=["mixture", "vamp", "flow"])
def test_with_another_prior_the_bound_is_the_integral_over_all_codes(prior):
    model, grid = LinearGaussian(shift=0.2, scale=1.5), tf.constant(grid_of_codes())
    # log p(x) = log of the integral of p(x|z) p(z).
    pixels = tf.repeat(tf.reshape(PIXELS, (1, 1, 3, 1)), len(grid), axis=0)
    joint = model.log_likelihood(pixels, model.decode(grid)) + prior.log_density(grid)
    expected = float(tf.reduce_logsumexp(joint)) + 2 * math.log(0.02)
    noise = tf.random.stateless_normal((20_000, 1, 2), seed=(1, 2))
    weights = log_importance_weights(model, pixels[:1], pixels[:1], noise, prior=prior)
    relative_error = float(np.exp(weights - expected).std()) / math.sqrt(20_000)
    assert float(importance_weighted_bound(weights)[0]) == pytest.approx(expected, abs=4 * relative_error)
    assert relative_error < 0.01
    assert abs(model.log_marginal_likelihood(PIXELS) - expected) > 0.05


@pytest.mark.parametrize("prior", [MIXTURE, VAMP, bent_flow()], ids=["mixture", "vamp", "flow"])
def test_the_divergence_from_another_prior_is_the_integral_of_the_log_ratio(prior):
    model, count, grid = LinearGaussian(shift=0.2, scale=1.5), 20_000, grid_of_codes()
    pixels = tf.repeat(tf.reshape(PIXELS, (1, 1, 3, 1)), count, axis=0)
    noise = tf.random.stateless_normal((count, 2), seed=(1, 2))
    losses = per_example_losses(model, pixels, pixels, noise, prior=prior)
    posterior = model.encode(pixels[:1])
    stddev = np.exp(0.5 * posterior.log_variance.numpy()[0])
    log_posterior = scipy.stats.norm(posterior.mean.numpy()[0], stddev).logpdf(grid).sum(axis=1)
    expected = (np.exp(log_posterior) * (log_posterior - prior.log_density(tf.constant(grid)).numpy())).sum() * 0.02**2
    standard_error = float(np.std(losses.kl_divergence)) / math.sqrt(count)
    assert np.mean(losses.kl_divergence, dtype=np.float64) == pytest.approx(expected, abs=4 * standard_error)
    assert standard_error < 0.02
    closed_form = per_example_losses(model, pixels[:1], pixels[:1], noise[:1]).kl_divergence[0]
    assert abs(float(closed_form) - expected) > 4 * standard_error
    np.testing.assert_allclose(losses.negative_elbo, losses.reconstruction_loss + losses.kl_divergence, rtol=1e-5)
