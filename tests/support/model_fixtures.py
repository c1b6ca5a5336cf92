"""Fixtures for tests of models: small ones, random images and fixed noise."""

import pytest
import tensorflow as tf

from components.models.autoencoder import Autoencoder, build_model
from components.models.config import ModelConfig

LATENT_DIM = 3


@pytest.fixture
def make_model():
    """Builds a small model; keywords are those of ModelConfig, and image_shape, pixel_mean and seed."""

    def make(image_shape=(7, 5, 3), pixel_mean=0.2, seed=0, **config) -> Autoencoder:
        small = {"hidden_units": (8, 6), "filters": (4, 6), "latent_dim": LATENT_DIM}
        return build_model(ModelConfig(**(small | config)), image_shape, pixel_mean, seed)

    return make


@pytest.fixture
def make_images():
    """Random images with pixels in [0, 1]; the same at every call."""
    return lambda count, image_shape=(7, 5, 3): tf.random.stateless_uniform((count, *image_shape), seed=(1, 2))


@pytest.fixture
def make_noise():
    """Standard normal noise for codes; the same for the same seed."""
    return lambda count, seed=0, latent_dim=LATENT_DIM: tf.random.stateless_normal((count, latent_dim), seed=(3, seed))
