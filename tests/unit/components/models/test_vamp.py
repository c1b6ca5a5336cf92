"""The prior of learned pseudo-inputs: its density, beside SciPy's, and how it is trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError
from scipy import special, stats

from components.models.config import ModelConfig
from components.models.objectives import per_example_losses, sample_posterior, sampled_losses, training_objective
from components.models.prior import STANDARD_NORMAL, VampPrior, fit_prior

MEAN = np.array([[1.0, -0.5, 0.0], [-2.0, 0.5, 3.0]], np.float32)
LOG_VARIANCE = np.array([[-1.0, 0.2, -4.0], [0.0, -2.0, 0.5]], np.float32)


@pytest.fixture
def prior() -> VampPrior:
    return VampPrior(tf.constant(MEAN), tf.constant(LOG_VARIANCE))


@pytest.fixture
def model(make_model, make_images):
    vae = make_model(prior="vamp", prior_components=5)
    vae.pseudo_inputs.assign(make_images(5))
    return vae


def test_the_density_is_scipys_for_codes_of_any_shape(prior, random):
    codes = random.normal(0.0, 2.0, size=(2, 5, 3)).astype(np.float32)
    parts = [stats.norm(m, np.exp(v / 2)).logpdf(codes).sum(axis=-1) for m, v in zip(MEAN, LOG_VARIANCE, strict=True)]
    expected = special.logsumexp(parts, axis=0) - np.log(2)
    np.testing.assert_allclose(prior.log_density(tf.constant(codes)), expected, rtol=1e-4)
    np.testing.assert_allclose(prior.finished().log_density(tf.constant(codes)), expected, rtol=1e-4)


def test_posteriors_that_are_the_prior_stay_wide_enough_for_float32(model, make_images):
    layer = model.encoder.get_layer("log_variance")
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    layer.bias.assign([-1000.0, -7.0, 3.0])
    least, middle, upper = model.encode(make_images(1)).log_variance.numpy()[0]
    assert least == -6.0
    assert -6.0 < middle < -5.0
    np.testing.assert_allclose(upper, np.log(4.0), rtol=1e-3)


def test_the_finished_prior_draws_around_each_pseudo_input(prior):
    noise, choice = tf.ones((2, 3)), tf.constant([0.1, 0.9])
    np.testing.assert_allclose(prior.finished().sample(noise, choice), MEAN + np.exp(LOG_VARIANCE / 2), rtol=1e-5)


def test_the_prior_is_the_mean_of_the_posteriors_of_the_pseudo_inputs(model, make_images, random):
    posterior = model.encode(make_images(5))
    codes = random.normal(size=(7, 3)).astype(np.float32)
    deviation = np.exp(posterior.log_variance.numpy() / 2)
    densities = stats.norm(posterior.mean.numpy(), deviation).pdf(codes[:, np.newaxis]).prod(axis=2).mean(axis=1)
    np.testing.assert_allclose(model.training_prior().log_density(tf.constant(codes)), np.log(densities), rtol=1e-3)
    finished = fit_prior(model.config, lambda: pytest.fail("codes are not needed"), 0, model.training_prior())
    np.testing.assert_allclose(finished.log_density(tf.constant(codes)), np.log(densities), rtol=1e-3)


@pytest.mark.parametrize("objective", ["elbo", "iwae"])
def test_training_moves_pseudo_inputs_to_where_the_codes_are(make_model, make_images, make_noise, objective):
    model = make_model(prior="vamp", prior_components=5, objective=objective, batch_normalization=False)
    images, noise = make_images(20), tf.stack([make_noise(20, 0), make_noise(20, 1)])
    optimizer, start = keras.optimizers.Adam(0.02), model.training_prior()

    def objectives(prior):
        samples = sample_posterior(model, images, images, noise)
        losses = sampled_losses(model, images, samples, prior)
        return training_objective(model.config.objective, losses, samples, 1.0, prior)

    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(objectives(model.training_prior()))
        optimizer.apply(tape.gradient(loss, [model.pseudo_inputs.value]), [model.pseudo_inputs])
    trained = tf.reduce_mean(objectives(model.training_prior()))
    # Nothing but the pseudo-inputs changed.
    assert trained < tf.reduce_mean(objectives(start)) - 0.01


def test_pseudo_inputs_leave_the_statistics_of_batch_normalisation_alone(model):
    before = [weight.numpy() for weight in model.non_trainable_weights]
    model.training_prior()
    for old, new in zip(before, model.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_divergence_is_zero_on_average_if_every_posterior_is_that_of_the_only_pseudo_input(make_model, make_images):
    model, count = make_model(prior="vamp", prior_components=1), 4000
    images = tf.repeat(make_images(1), count, axis=0)
    model.pseudo_inputs.assign(images[:1])
    noise = tf.random.stateless_normal((count, 3), (1, 2))
    losses = per_example_losses(model, images, images, noise, prior=model.training_prior())
    error = np.std(losses.kl_divergence) / np.sqrt(count)
    assert np.mean(losses.kl_divergence) == pytest.approx(0.0, abs=4 * error + 1e-4)


def test_a_model_with_another_prior_has_no_pseudo_inputs(make_model):
    model = make_model(prior="mixture")
    assert model.pseudo_inputs is None
    assert model.training_prior() is STANDARD_NORMAL


def test_an_autoencoder_has_no_posteriors_for_it():
    with pytest.raises(ValidationError, match=r"prior vamp is made of posteriors.*set prior to mixture, or kind to vae"):
        ModelConfig(kind="ae", prior="vamp")
