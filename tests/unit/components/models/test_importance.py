import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from support.linear_gaussian import LinearGaussian

from components.models.importance import importance_weighted_bound, log_importance_weights
from components.models.objectives import per_example_losses

PIXELS = np.float32([0.9, 0.1, 0.5])


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
    weights = np.float32([[1.0, 2.0], [3.0, 8.0]])
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
