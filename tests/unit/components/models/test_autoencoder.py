"""The interface that every model shares, its initial weights, and training in bfloat16."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from components.models.autoencoder import Autoencoder, VariationalAutoencoder, build_model
from components.models.config import ModelConfig, Network, Precision
from components.models.distributions import Posterior

EVERY_MODEL = [(kind, network) for kind in ("ae", "vae") for network in ("dense", "conv")]
every_model = pytest.mark.parametrize(("kind", "network"), EVERY_MODEL)


@every_model
@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 32, 3), (7, 5, 3), (1, 1, 1)])
def test_shapes_from_image_to_losses(make_model, make_images, make_noise, kind, network, image_shape):
    model = make_model(kind=kind, network=network, image_shape=image_shape)
    images = make_images(2, image_shape)
    posterior = model.encode(images)
    code = model.sample_code(posterior, make_noise(2))
    parameters = model.decode(code)
    assert posterior.mean.shape == code.shape == model.kl_divergence(posterior).shape == (2, 3)
    assert (posterior.log_variance is not None) == model.has_posterior == (kind == "vae")
    assert parameters.shape == model.expected_image(parameters).shape == model(images).shape == (2, *image_shape)
    assert model.log_likelihood(images, parameters).shape == (2,)


@pytest.mark.parametrize("likelihood", ["gaussian", "discretized_logistic"])
def test_a_learned_spread_doubles_the_parameters_and_nothing_else(make_model, make_images, make_noise, likelihood):
    model, images = make_model(likelihood=likelihood, spread="image"), make_images(2)
    parameters = model.decode(make_noise(2))
    assert parameters.shape == (2, 7, 5, 6)
    assert model.expected_image(parameters).shape == model(images).shape == (2, 7, 5, 3)
    assert model.log_likelihood(images, parameters).shape == (2,)


def test_a_model_tells_what_it_is(make_model):
    model = make_model(image_shape=(4, 3, 2), latent_dim=5)
    assert (model.config.kind, model.image_shape, model.latent_dim) == ("vae", (4, 3, 2), 5)


def test_an_autoencoders_code_ignores_the_noise_and_costs_nothing(make_model, make_images, make_noise):
    model = make_model(kind="ae")
    posterior = model.encode(make_images(2))
    assert model.sample_code(posterior, make_noise(2)) is posterior.mean
    np.testing.assert_array_equal(model.kl_divergence(posterior), np.zeros((2, 3)))


def test_a_vaes_codes_have_the_mean_and_variance_of_the_posterior(make_model, make_noise):
    mean, variance = np.array([0.5, -1.0, 3.0], np.float32), np.array([0.1, 1.0, 2.0], np.float32)
    count = 100_000
    posterior = Posterior(*(np.broadcast_to(values, (count, 3)) for values in (mean, np.log(variance))))
    codes = make_model().sample_code(posterior, make_noise(count)).numpy()
    np.testing.assert_array_less(np.abs(codes.mean(axis=0) - mean), 4 * np.sqrt(variance / count))
    np.testing.assert_array_less(np.abs(codes.var(axis=0) - variance), 4 * variance * np.sqrt(2 / count))


def test_calling_a_model_shows_the_reconstruction_of_the_mean_code(make_model, make_images):
    model, images = make_model(), make_images(2)
    expected = tf.sigmoid(model.decode(model.encode(images).mean))
    np.testing.assert_array_equal(model(images), expected)


def test_only_training_updates_the_statistics_of_batch_normalisation(make_model, make_images, make_noise):
    model, images = make_model(), make_images(4)

    def statistics():
        return [variable.numpy() for variable in model.non_trainable_variables]

    before = statistics()
    assert len(before) == 8
    model.decode(model.sample_code(model.encode(images), make_noise(4)))
    assert all(map(np.array_equal, before, statistics()))
    model.decode(model.sample_code(model.encode(images, training=True), make_noise(4)), training=True)
    assert not any(map(np.array_equal, before, statistics()))


@every_model
def test_all_variables_exist_before_the_first_call(make_model, make_images, kind, network):
    model = make_model(kind=kind, network=network)
    before = [variable.path for variable in model.variables]
    model(make_images(2), training=True)
    assert before
    assert [variable.path for variable in model.variables] == before


@every_model
def test_a_checkpoint_brings_everything_back(make_model, make_images, kind, network, tmp_path):
    model, images = make_model(kind=kind, network=network, seed=1), make_images(2)
    model(images, training=True)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    other = make_model(kind=kind, network=network, seed=2)
    assert not np.array_equal(other(images), model(images))
    tf.train.Checkpoint(model=other).read(path).assert_consumed()
    np.testing.assert_array_equal(other(images), model(images))


@pytest.mark.parametrize(("kind", "expected"), [("ae", Autoencoder), ("vae", VariationalAutoencoder)])
def test_the_kind_names_the_class(make_model, kind, expected):
    assert type(make_model(kind=kind)) is expected


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_the_same_seed_gives_the_same_weights(make_model, network):
    first, second = make_model(network=network, seed=5), make_model(network=network, seed=5)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_another_seed_gives_other_weights_in_every_layer(make_model, network):
    first, second = make_model(network=network, seed=5), make_model(network=network, seed=6)
    kernels = [(one, other) for one, other in zip(first.variables, second.variables, strict=True) if one.name == "kernel"]
    assert len(kernels) >= 6
    for one, other in kernels:
        assert not np.any(one.numpy() == other.numpy())


def test_layers_of_one_shape_start_with_different_weights(make_model):
    model = make_model(hidden_units=(6, 6, 6))
    kernels = [variable.numpy() for variable in model.variables if variable.shape == (6, 6)]
    assert len(kernels) == 4
    for one, other in itertools.combinations(kernels, 2):
        assert not np.any(one == other)


@pytest.mark.parametrize("network", list(Network))
def test_a_bfloat16_model_has_float32_weights_and_outputs(network: Network):
    config = ModelConfig(network=network, hidden_units=(8,), filters=(4, 8), latent_dim=3, precision=Precision.BFLOAT16)
    model = build_model(config, (8, 8, 1), 0.2, 0)

    posterior = model.encode(tf.zeros([2, 8, 8, 1]))

    assert posterior.log_variance is not None
    assert {posterior.mean.dtype, posterior.log_variance.dtype, model.decode(posterior.mean).dtype} == {tf.float32}
    assert {variable.dtype for variable in model.variables} == {"float32"}


@pytest.mark.parametrize("network", list(Network))
def test_the_products_differ_from_float32_by_the_rounding_of_bfloat16(network: Network):
    images = tf.random.stateless_uniform([4, 8, 8, 1], [1, 2])
    means = []
    for precision in (Precision.BFLOAT16, Precision.FLOAT32):
        config = ModelConfig(network=network, hidden_units=(8,), filters=(4, 8), latent_dim=3, precision=precision)
        means.append(build_model(config, (8, 8, 1), 0.2, 0).encode(images).mean)

    difference = tf.reduce_max(tf.abs(means[0] - means[1])) / tf.reduce_max(tf.abs(means[1]))
    assert 0 < float(difference) < 0.02
