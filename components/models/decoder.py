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
    network = config.decoder_network or config.network
    match network:
        case Network.DENSE:
            parameters = _dense_parameters(code, config, image_shape, bias, seeds)
        case Network.CONV:
            parameters = _convolutional_parameters(code, config, image_shape, bias, seeds)
        case _:
            assert_never(network)
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
    features = _first_feature_maps(code, config, sizes[-1], seeds)
    hidden = zip(reversed(config.filters[:-1]), reversed(sizes[1:-1]), strict=True)
    for number, (filters, size) in enumerate(hidden, start=1):
        name = f"convolution_{number}"
        # A kernel that the stride divides covers every pixel equally often: no checkerboard (Odena et al., 2016).
        doubling = keras.layers.Conv2DTranspose(
            filters,
            kernel_size=4,
            strides=2,
            padding="same",
            use_bias=needs_bias(config),
            **product_layer(config, name, next(seeds)),
        )
        features = normalize_and_activate(_crop(doubling(features), size, name), config, name)
    # Each position says the four pixels that it becomes: half the time of a transposed convolution to so few channels.
    output = keras.layers.Conv2D(
        4 * channels, kernel_size=1, bias_initializer=bias, **product_layer(config, "pixels", next(seeds))
    )
    return _crop(_depth_to_space(output(features)), (height, width), "pixels")


def _first_feature_maps(
    code: keras.KerasTensor, config: ModelConfig, size: tuple[int, int], seeds: Iterator[int]
) -> keras.KerasTensor:
    """From the code to the smallest feature maps, normalised and activated."""
    use_bias = needs_bias(config)
    features = code
    for number, units in enumerate(config.decoder_units, start=1):
        name = f"hidden_{number}"
        dense = keras.layers.Dense(units, use_bias=use_bias, **product_layer(config, name, next(seeds)))
        features = normalize_and_activate(dense(features), config, name)
    shape = (*size, config.filters[-1])
    dense = keras.layers.Dense(math.prod(shape), use_bias=use_bias, **product_layer(config, "features", next(seeds)))
    features = keras.layers.Reshape(shape, name="feature_maps")(dense(features))
    for number in range(1, config.residual_layers + 1):
        name = f"residual_{number}"
        convolution = keras.layers.Conv2D(shape[-1], kernel_size=3, padding="same", **product_layer(config, name, next(seeds)))
        change = convolution(normalize_and_activate(features, config, name))
        features = keras.layers.Add(name=f"{name}_sum")([features, change])
    return normalize_and_activate(features, config, "features")


def _sizes(height: int, width: int, halvings: int) -> list[tuple[int, int]]:
    """Heights and widths from the image to the encoder's last feature maps: each half of the one before, rounded up."""
    return [(-(-height // 2**level), -(-width // 2**level)) for level in range(halvings + 1)]


def _depth_to_space(features: keras.KerasTensor) -> keras.KerasTensor:
    """From [N, height, width, 4 C] to [N, 2 height, 2 width, C]: sub-pixel convolution (Shi et al., 2016)."""
    height, width, depth = features.shape[1:]
    blocks = keras.layers.Reshape((height, width, 2, 2, depth // 4), name="pixel_blocks")(features)
    rows = keras.layers.Permute((1, 3, 2, 4, 5), name="pixel_rows")(blocks)
    return keras.layers.Reshape((2 * height, 2 * width, depth // 4), name="pixel_grid")(rows)


def _crop(features: keras.KerasTensor, size: tuple[int, int], name: str) -> keras.KerasTensor:
    """Takes off the last row and column that doubling adds where the encoder had an odd size."""
    surplus = tuple((0, doubled - wanted) for doubled, wanted in zip(features.shape[1:3], size, strict=True))
    if surplus == ((0, 0), (0, 0)):
        return features
    return keras.layers.Cropping2D(surplus, name=f"{name}_crop")(features)
