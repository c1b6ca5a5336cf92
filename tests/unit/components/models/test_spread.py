"""The learned spread of pixels."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from components.models.config import ModelConfig, Spread
from components.models.distributions import SpreadGaussianPixels
from components.models.networks import build_decoder
from components.models.spread import INITIAL_LOG_SCALE, SMALLEST_LOG_SCALE, LogScale, log_scale_activation

SHAPE = (2, 3, 2)
SPREADS = ["shared", "channel", "image", "pixel"]


def decoder_with(spread, network="dense"):
    config = ModelConfig(
        likelihood="discretized_logistic", spread=spread, network=network, hidden_units=(4,), filters=(3,), latent_dim=3
    )
    return build_decoder(config, SHAPE, pixel_mean=0.3, seed=0)


@pytest.mark.parametrize("network", ["dense", "conv"])
@pytest.mark.parametrize("spread", SPREADS)
def test_an_untrained_decoder_says_the_mean_pixel_and_one_scale(spread, network):
    mean, log_scale = np.split(decoder_with(spread, network)(tf.zeros((2, 3))).numpy(), 2, axis=-1)
    np.testing.assert_allclose(mean, np.full((2, *SHAPE), 0.3), rtol=1e-5)
    np.testing.assert_allclose(log_scale, np.full((2, *SHAPE), INITIAL_LOG_SCALE), atol=0.01)


@pytest.mark.parametrize("spread", ["shared", "channel", "image"])
def test_pixels_share_a_scale_as_the_configuration_says(spread):
    layer, code = LogScale(spread), tf.constant([[1.0, -1.0], [0.5, 2.0]])
    parameters = tf.reshape(tf.range(24.0), (2, *SHAPE))
    layer(parameters, code)
    layer.set_weights([np.arange(1.0, 1.0 + weight.shape[0]).reshape(weight.shape) / 50 for weight in layer.weights])
    found = layer(parameters, code).numpy()
    np.testing.assert_array_equal(found[..., :2], parameters)
    raw = INITIAL_LOG_SCALE + 10 * np.array([0.02, 0.04])
    expected = {
        "shared": np.full((2, *SHAPE), raw[0]),
        "channel": np.broadcast_to(raw, (2, *SHAPE)),
        # The codes times the kernel [0.02, 0.04].
        "image": np.broadcast_to(raw[0] + np.array([-0.02, 0.09]).reshape(2, 1, 1, 1), (2, *SHAPE)),
    }[spread]
    np.testing.assert_allclose(found[..., 2:], log_scale_activation(expected.astype(np.float32)), rtol=1e-5)


def test_without_sharing_each_pixel_has_the_scale_that_is_given_beside_it():
    raw = tf.reshape(tf.range(12.0), (1, *SHAPE)) / 10
    found = LogScale(Spread.PIXEL)(tf.concat([-raw, raw], axis=-1), tf.zeros((1, 3)))
    np.testing.assert_allclose(found, tf.concat([-raw, log_scale_activation(INITIAL_LOG_SCALE + raw)], axis=-1))


def test_scales_of_real_images_pass_the_activation_nearly_unchanged():
    raw = np.log([0.01, 0.1, 0.5, 0.9]).astype(np.float32)
    np.testing.assert_allclose(log_scale_activation(raw), raw, atol=0.05)


@pytest.mark.parametrize("raw", [-1e30, -100.0, 0.0, 100.0, 1e30])
def test_no_raw_value_gives_a_scale_of_zero_or_infinity(raw):
    log_scale = float(log_scale_activation(tf.constant(raw)))
    assert log_scale >= SMALLEST_LOG_SCALE - 1e-5
    assert 0 < np.exp(np.float32(log_scale)) < np.inf


def test_a_scale_that_became_too_small_finds_its_way_back():
    raw = tf.constant(SMALLEST_LOG_SCALE - 5)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        log_scale = log_scale_activation(raw)
    assert tape.gradient(log_scale, raw) > 1e-3


@pytest.mark.parametrize("spread", ["shared", "channel", "image"])
def test_training_finds_the_analytic_optimum(random, spread):
    """The best variance is the mean squared error (Rybkin et al., 2021); the noise of each channel or image is known."""
    stddev = {
        "shared": np.full((64, 1, 1, 2), 0.07),
        "channel": np.broadcast_to([0.03, 0.2], (64, 1, 1, 2)),
        "image": np.where(np.arange(64) % 2, 0.03, 0.2).reshape(64, 1, 1, 1),
    }[spread]
    pixels = (0.5 + stddev * random.normal(size=(64, 20, 20, 2))).astype(np.float32)
    code = tf.constant(np.where(np.arange(64) % 2, 1.0, -1.0).astype(np.float32)[:, np.newaxis])
    layer, means = LogScale(spread), tf.fill(pixels.shape, 0.5)
    layer(means, code)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.PolynomialDecay(0.05, 150, 1e-4))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(SpreadGaussianPixels().log_likelihood(pixels, layer(means, code)))
        variables = layer.trainable_variables
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss

    losses = [float(step()) for _ in range(150)]
    axes = {"shared": (0, 1, 2, 3), "channel": (0, 1, 2), "image": (1, 2, 3)}[spread]
    squared_error = np.square(pixels - 0.5).mean(axis=axes, keepdims=True)
    if spread == "image":
        # Two kinds of images have two codes.
        squared_error[0::2], squared_error[1::2] = squared_error[0::2].mean(), squared_error[1::2].mean()
    log_scale = layer(means, code)[..., 2:]
    np.testing.assert_allclose(np.exp(2 * log_scale), np.broadcast_to(squared_error, pixels.shape), rtol=0.02)
    # D/2 (log s^2 + 1 + log(2 pi)) is the entropy of the Gaussian.
    entropy = np.broadcast_to(scipy.stats.norm(scale=np.sqrt(squared_error)).entropy(), pixels.shape).sum(axis=(1, 2, 3)).mean()
    np.testing.assert_allclose(losses[-1], entropy, atol=0.01)


def test_a_decoder_with_a_spread_survives_keras_own_file_format(tmp_path):
    decoder = decoder_with("channel")
    decoder.save(tmp_path / "decoder.keras")
    loaded = keras.saving.load_model(tmp_path / "decoder.keras")
    np.testing.assert_array_equal(loaded(tf.ones((2, 3))), decoder(tf.ones((2, 3))))
