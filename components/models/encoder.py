"""From an image to the statistics of its posterior.

To add a network: name it in `config.Network`, write a function from an image to features here and one from a code to parameters
in decoder.py, and call each from its `match`.
"""

from collections.abc import Iterator
from typing import assert_never

import keras

from components.models.config import ModelConfig, ModelKind, Network
from components.models.layers import needs_bias, normalize_and_activate, product_layer
from components.models.posterior import log_variance_activation
from components.models.seeds import layer_seeds


def build_encoder(config: ModelConfig, image_shape: tuple[int, int, int], seed: int) -> keras.Model:
    """The encoder as a functional Keras model.

    Args:
      config: network, its widths, and the size of the code.
      image_shape: height, width, channels; any of them may be 1.
      seed: fixes the initial weights.

    Returns:
      A model from images, float32 [N, height, width, channels], to a dictionary: `mean`, float32 [N, L], and for a VAE
      `log_variance`, float32 [N, L].
    """
    seeds = layer_seeds(seed, "encoder")
    image = keras.Input(image_shape, name="image")
    features = _features(image, config, seeds)
    statistics = {"mean": _statistic("mean", config.latent_dim, None, seeds)(features)}
    if config.kind is ModelKind.VAE:
        log_variance = _statistic("log_variance", config.latent_dim, log_variance_activation, seeds)
        statistics["log_variance"] = log_variance(features)
    return keras.Model(image, statistics, name="encoder")


def _features(image: keras.KerasTensor, config: ModelConfig, seeds: Iterator[int]) -> keras.KerasTensor:
    match config.network:
        case Network.DENSE:
            return _dense_features(image, config, seeds)
        case Network.CONV:
            return _convolutional_features(image, config, seeds)
        case _:
            assert_never(config.network)


def _dense_features(image: keras.KerasTensor, config: ModelConfig, seeds: Iterator[int]) -> keras.KerasTensor:
    features = keras.layers.Flatten(name="pixels")(image)
    for number, units in enumerate(config.hidden_units, start=1):
        name = f"hidden_{number}"
        dense = keras.layers.Dense(units, use_bias=needs_bias(config), **product_layer(config, name, next(seeds)))
        features = normalize_and_activate(dense(features), config, name)
    return features


def _convolutional_features(image: keras.KerasTensor, config: ModelConfig, seeds: Iterator[int]) -> keras.KerasTensor:
    features = image
    for number, filters in enumerate(config.filters, start=1):
        name = f"convolution_{number}"
        convolution = keras.layers.Conv2D(
            filters,
            kernel_size=3,
            strides=2,
            padding="same",
            use_bias=needs_bias(config),
            **product_layer(config, name, next(seeds)),
        )
        features = normalize_and_activate(convolution(features), config, name)
    return keras.layers.Flatten(name="features")(features)


def _statistic(name: str, latent_dim: int, activation: object, seeds: Iterator[int]) -> keras.layers.Layer:
    initializer = keras.initializers.GlorotUniform(next(seeds))
    return keras.layers.Dense(latent_dim, activation, kernel_initializer=initializer, name=name)
