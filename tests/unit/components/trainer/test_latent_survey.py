"""Codes that a prior is fitted to: whose they are, how many, and how they are spread."""

import numpy as np
import pytest
import tensorflow as tf

from components.models.autoencoder import build_model
from components.models.config import ModelConfig
from components.trainer import latent_survey
from components.trainer.input_data import ImagesInMemory
from components.trainer.latent_survey import draw_codes, pseudo_inputs

COUNT = 1100


@pytest.fixture(scope="module")
def images() -> ImagesInMemory:
    # More than two batches.
    return ImagesInMemory(tf.random.stateless_uniform((COUNT, 4, 4, 1), (0, 1)), seed=0)


def model(kind: str):
    return build_model(ModelConfig(kind=kind, hidden_units=(8,), latent_dim=3), (4, 4, 1), 0.5, seed=0)


def test_a_vae_gives_two_codes_of_each_posterior(images):
    vae = model("vae")
    posterior = vae.encode(images.images)
    deviation = np.exp(0.5 * posterior.log_variance.numpy())
    codes, owners = draw_codes(vae, images, seed=0)
    assert codes.shape == (2 * COUNT, 3)
    # Batch by batch, each twice.
    size = latent_survey._BATCH
    draws = [codes[2 * start : 2 * start + 2 * size].reshape(2, -1, 3) for start in range(0, COUNT, size)]
    noise = (np.concatenate(draws, axis=1) - posterior.mean.numpy()) / deviation
    np.testing.assert_allclose(noise.mean(axis=(1, 2)), 0.0, atol=4 / np.sqrt(3 * COUNT))
    np.testing.assert_allclose(noise.std(axis=(1, 2)), 1.0, atol=4 / np.sqrt(6 * COUNT))
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 4 / np.sqrt(3 * COUNT)
    np.testing.assert_array_equal(codes, draw_codes(vae, images, seed=0).values)
    assert np.any(codes != draw_codes(vae, images, seed=1).values)
    own = (codes - posterior.mean.numpy()[owners]) / deviation[owners]
    np.testing.assert_allclose(np.sort(own.ravel()), np.sort(noise.ravel()), rtol=1e-4, atol=1e-4)


def test_an_autoencoder_gives_the_code_of_each_image(images):
    ae = model("ae")
    np.testing.assert_allclose(draw_codes(ae, images, seed=0).values, ae.encode(images.images).mean, rtol=1e-5)


@pytest.mark.parametrize(("limit", "value"), [("_MOST_CODES", 100), ("_MOST_NUMBERS", 300)])
def test_of_too_many_images_those_at_even_distances_are_encoded(images, monkeypatch, limit, value):
    monkeypatch.setattr(latent_survey, limit, value)
    ae = model("ae")
    codes, owners = draw_codes(ae, images, seed=0)
    np.testing.assert_allclose(codes, ae.encode(images.images[::11]).mean, rtol=1e-5)
    np.testing.assert_array_equal(owners, np.arange(0, COUNT, 11))


@pytest.mark.parametrize(("count", "expected"), [(100, range(0, COUNT, 11)), (2 * COUNT, np.arange(2 * COUNT) // 2)])
def test_pseudo_inputs_start_as_images_at_even_distances(images, count, expected):
    np.testing.assert_array_equal(pseudo_inputs(images, count), tf.gather(images.images, list(expected)))
