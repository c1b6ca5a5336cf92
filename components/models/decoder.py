"""From a code to the parameters of the distribution over pixels. Mirrors encoder.py."""

import math
from collections.abc import Iterator
from typing import assert_never

import keras

from components.models.config import ModelConfig, Network
from components.models.layers import needs_bias, normalize_and_activate, product_layer
from components.models.pixel_distributions import pixel_distribution
from components.models.seeds import layer_seeds


def build_decoder(config: ModelConfig, image_shape: tuple[int, int, int], pixel_mean: float, seed: int) -> keras.Model:
    """The decoder as a functional Keras model.

    Its output bias starts where the expected image is the mean pixel, so that training does not begin with learning that.

    Args:
      config: network, its widths, the size of the code, and the likelihood.
      image_shape: height, width, channels; any of them may be 1.
      pixel_mean: mean of all pixels of the training split, in [0, 1].
      seed: fixes the initial weights.

    Returns:
      A model from codes, float32 [N, L], to float32 [N, height, width, channels]: logits for the Bernoulli likelihood, means
      for the Gaussian one.
    """
    seeds = layer_seeds(seed, "decoder")
    bias = keras.initializers.Constant(pixel_distribution(config).parameter_of(pixel_mean))
    code = keras.Input((config.latent_dim,), name="code")
    match config.network:
        case Network.DENSE:
            parameters = _dense_parameters(code, config, image_shape, bias, seeds)
        case Network.CONV:
            parameters = _convolutional_parameters(code, config, image_shape, bias, seeds)
        case _:
            assert_never(config.network)
    # In float32 whatever the last product was computed in: losses are.
    return keras.Model(code, keras.layers.Reshape(image_shape, name="parameters")(parameters), name="decoder")


def _dense_parameters(
    code: keras.KerasTensor,
    config: ModelConfig,
    image_shape: tuple[int, int, int],
    bias: keras.initializers.Initializer,
    seeds: Iterator[int],
) -> keras.KerasTensor:
    features = code
    for number, units in enumerate(reversed(config.hidden_units), start=1):
        name = f"hidden_{number}"
        dense = keras.layers.Dense(units, use_bias=needs_bias(config), **product_layer(config, name, next(seeds)))
        features = normalize_and_activate(dense(features), config, name)
    output = keras.layers.Dense(math.prod(image_shape), bias_initializer=bias, **product_layer(config, "pixels", next(seeds)))
    return output(features)


def _convolutional_parameters(
    code: keras.KerasTensor,
    config: ModelConfig,
    image_shape: tuple[int, int, int],
    bias: keras.initializers.Initializer,
    seeds: Iterator[int],
) -> keras.KerasTensor:
    height, width, channels = image_shape
    sizes = _sizes(height, width, len(config.filters))
    start = (*sizes[-1], config.filters[-1])
    dense = keras.layers.Dense(math.prod(start), use_bias=needs_bias(config), **product_layer(config, "features", next(seeds)))
    features = keras.layers.Reshape(start, name="feature_maps")(dense(code))
    features = normalize_and_activate(features, config, "features")

    hidden = zip(reversed(config.filters[:-1]), reversed(sizes[1:-1]), strict=True)
    for number, (filters, size) in enumerate(hidden, start=1):
        name = f"convolution_{number}"
        convolution = _double(filters, needs_bias(config), "zeros", config, name, next(seeds))
        features = _crop(convolution(features), size, name)
        features = normalize_and_activate(features, config, name)
    output = _double(channels, True, bias, config, "pixels", next(seeds))
    return _crop(output(features), (height, width), "pixels")


def _sizes(height: int, width: int, halvings: int) -> list[tuple[int, int]]:
    """Heights and widths from the image to the encoder's last feature maps: each half of the one before, rounded up."""
    return [(-(-height // 2**level), -(-width // 2**level)) for level in range(halvings + 1)]


def _double(
    filters: int,
    use_bias: bool,
    bias: keras.initializers.Initializer | str,
    config: ModelConfig,
    name: str,
    seed: int,
) -> keras.layers.Layer:
    # A kernel that the stride divides covers every pixel equally often: no checkerboard (Odena et al., 2016).
    return keras.layers.Conv2DTranspose(
        filters,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=use_bias,
        bias_initializer=bias,
        **product_layer(config, name, seed),
    )


def _crop(features: keras.KerasTensor, size: tuple[int, int], name: str) -> keras.KerasTensor:
    """Takes off the last row and column that doubling adds where the encoder had an odd size."""
    surplus = tuple((0, doubled - wanted) for doubled, wanted in zip(features.shape[1:3], size, strict=True))
    if surplus == ((0, 0), (0, 0)):
        return features
    return keras.layers.Cropping2D(surplus, name=f"{name}_crop")(features)
