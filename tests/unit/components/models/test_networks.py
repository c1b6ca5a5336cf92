"""The encoder and the decoder, each without the other, and the seeds of their layers."""

from itertools import islice

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.models.config import ModelConfig
from components.models.distributions import kl_divergence
from components.models.networks import build_decoder, build_encoder, layer_seeds, log_variance_activation

SMALL = {"hidden_units": (8, 6), "filters": (4, 6), "latent_dim": 3}


@pytest.fixture(params=["dense", "conv"])
def config(request):
    return ModelConfig(network=request.param, **SMALL)


def test_the_encoder_of_a_vae_gives_mean_and_log_variance(config):
    statistics = build_encoder(config, (7, 5, 3), seed=0)(tf.ones((2, 7, 5, 3)))
    assert {name: value.shape for name, value in statistics.items()} == {"mean": (2, 3), "log_variance": (2, 3)}


def test_the_encoder_of_an_autoencoder_gives_the_code_alone(config):
    statistics = build_encoder(config.model_copy(update={"kind": "ae"}), (7, 5, 3), seed=0)(tf.ones((2, 7, 5, 3)))
    assert {name: value.shape for name, value in statistics.items()} == {"mean": (2, 3)}


@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 32, 3), (7, 5, 3), (1, 9, 1), (9, 1, 2), (1, 1, 1)])
@pytest.mark.parametrize("levels", [1, 3])
def test_the_decoder_gives_one_parameter_for_each_pixel_of_any_image(config, image_shape, levels):
    config = config.model_copy(update={"hidden_units": (4,) * levels, "filters": (2,) * levels})
    assert build_decoder(config, image_shape, 0.5, seed=0).output_shape == (None, *image_shape)


def test_the_decoders_feature_maps_mirror_the_encoders_also_where_a_size_is_odd():
    config = ModelConfig(network="conv", filters=(2, 3, 4))
    encoder, decoder = build_encoder(config, (13, 6, 1), seed=0), build_decoder(config, (13, 6, 1), 0.5, seed=0)
    encoded = [encoder.get_layer(f"convolution_{number}_activation").output.shape for number in (1, 2, 3)]
    decoded = [decoder.get_layer(f"{name}_activation").output.shape for name in ("features", "convolution_1", "convolution_2")]
    assert encoded == [(None, 7, 3, 2), (None, 4, 2, 3), (None, 2, 1, 4)]
    assert decoded == encoded[::-1]


def test_hidden_layers_have_the_configured_widths_and_the_decoder_mirrors_them():
    config = ModelConfig(hidden_units=(8, 6))
    encoder, decoder = build_encoder(config, (2, 2, 1), seed=0), build_decoder(config, (2, 2, 1), 0.5, seed=0)
    assert [encoder.get_layer(f"hidden_{number}").units for number in (1, 2)] == [8, 6]
    assert [decoder.get_layer(f"hidden_{number}").units for number in (1, 2)] == [6, 8]


def test_a_dense_encoder_can_stand_before_a_convolutional_decoder():
    config = ModelConfig(network="dense", decoder_network="conv", filters=(2, 3), decoder_units=(5,), residual_layers=2)
    encoder, decoder = build_encoder(config, (7, 5, 3), seed=0), build_decoder(config, (7, 5, 3), 0.5, seed=0)
    assert {type(layer).__name__ for layer in encoder.layers} >= {"Dense"}
    assert not any(isinstance(layer, keras.layers.Conv2D) for layer in encoder.layers)
    assert decoder.get_layer("hidden_1").units == 5
    assert [decoder.get_layer(f"residual_{number}_sum").output.shape for number in (1, 2)] == [(None, 2, 2, 3)] * 2
    assert decoder.output_shape == (None, 7, 5, 3)


def test_a_residual_layer_adds_to_what_it_is_given():
    config = ModelConfig(network="conv", filters=(2, 3), residual_layers=1, **{"latent_dim": 3})
    decoder = build_decoder(config, (8, 8, 1), 0.5, seed=0)
    layer = decoder.get_layer("residual_1")
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    before_and_after = keras.Model(
        decoder.input, [decoder.get_layer("feature_maps").output, decoder.get_layer("residual_1_sum").output]
    )
    before, after = before_and_after(tf.ones((2, 3)))
    np.testing.assert_array_equal(before, after)


def test_each_feature_of_the_last_maps_becomes_the_four_pixels_of_its_place():
    config = ModelConfig(network="conv", filters=(2,), latent_dim=3)
    decoder = build_decoder(config, (4, 6, 3), 0.5, seed=0)
    rearrange = keras.Model(decoder.get_layer("pixels").output, decoder.output)
    features = tf.reshape(tf.range(2 * 2 * 3 * 12, dtype=tf.float32), (2, 2, 3, 12))
    np.testing.assert_array_equal(rearrange(features), tf.nn.depth_to_space(features, 2))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_an_untrained_decoder_says_the_mean_pixel(config, likelihood):
    config = config.model_copy(update={"likelihood": likelihood})
    decoder = build_decoder(config, (7, 5, 3), pixel_mean=0.13, seed=0)
    parameter = np.log(0.13 / 0.87) if likelihood == "bernoulli" else 0.13
    np.testing.assert_allclose(decoder(tf.zeros((1, 3))), np.full((1, 7, 5, 3), parameter), rtol=1e-5)


def test_batch_normalisation_stands_between_each_hidden_layer_and_its_activation(config):
    kinds = [type(layer).__name__ for layer in build_encoder(config, (4, 4, 1), seed=0).layers]
    layer = "Dense" if config.network == "dense" else "Conv2D"
    block = [layer, "BatchNormalization", "Activation"]
    assert [kind for kind in kinds if kind not in ("InputLayer", "Flatten")] == [*block, *block, "Dense", "Dense"]


def test_without_batch_normalisation_hidden_layers_have_a_bias(config):
    config = config.model_copy(update={"batch_normalization": False})
    for network in (build_encoder(config, (4, 4, 1), seed=0), build_decoder(config, (4, 4, 1), 0.5, seed=0)):
        assert not [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert all(layer.use_bias for layer in network.layers if layer.weights)


def test_the_activation_is_the_configured_one(config):
    config = config.model_copy(update={"activation": "tanh"})
    activations = [
        layer.activation.__name__
        for network in (build_encoder(config, (4, 4, 1), seed=0), build_decoder(config, (4, 4, 1), 0.5, seed=0))
        for layer in network.layers
        if isinstance(layer, keras.layers.Activation)
    ]
    assert activations == ["tanh"] * 4


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_network_survives_keras_own_file_format(config, part, tmp_path):
    if part == "encoder":
        network, values = build_encoder(config, (4, 4, 1), seed=0), tf.ones((2, 4, 4, 1))
    else:
        network, values = build_decoder(config, (4, 4, 1), 0.3, seed=0), tf.ones((2, 3))
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    tf.nest.map_structure(np.testing.assert_array_equal, loaded(values), network(values))


def test_up_to_the_variance_of_the_prior_the_output_is_the_log_variance_itself():
    raw = np.array([-1000.0, -3.0, -1e-6, 0.0], np.float32)
    np.testing.assert_array_equal(log_variance_activation(raw), raw)


def test_above_it_the_variance_grows_linearly():
    raw = np.array([0.5, 3.0, 1e6], np.float32)
    np.testing.assert_allclose(np.exp(log_variance_activation(raw)), 1 + raw, rtol=1e-5)


def test_the_two_halves_join_smoothly():
    raw = tf.constant([-1e-6, 0.0, 1e-6])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        log_variance = log_variance_activation(raw)
    np.testing.assert_allclose(tape.gradient(log_variance, raw), 1.0, rtol=1e-5)


@pytest.mark.parametrize("raw", [-1e30, -100.0, 89.0, 1e6, 1e30])
def test_the_kl_divergence_of_any_output_is_finite_and_pulls_it_back(raw):
    raw = tf.constant([[raw]])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        divergence = kl_divergence(tf.zeros((1, 1)), log_variance_activation(raw))
    gradient = tape.gradient(divergence, raw)
    assert np.isfinite(divergence)
    np.testing.assert_allclose(gradient * tf.sign(raw), [[0.5]], rtol=0.02)


def first(seed: int, part: str) -> list[int]:
    return list(islice(layer_seeds(seed, part), 50))


def test_the_same_seed_gives_the_same_sequence():
    assert first(7, "encoder") == first(7, "encoder")


def test_sequences_of_neighbouring_seeds_and_of_two_parts_have_nothing_in_common():
    seeds = [*first(0, "encoder"), *first(1, "encoder"), *first(0, "decoder"), *first(1, "decoder")]
    assert len(set(seeds)) == 200


def test_seeds_are_what_an_initializer_takes():
    assert all(0 <= seed < 2**31 for seed in first(2**31 - 1, "decoder"))
