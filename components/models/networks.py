"""The encoder, from an image to the parameters of q(z|x), and the decoder, from a code to the parameters of p(x|z).

Both are functional Keras models. The decoder mirrors the encoder.

To add a network: name it in `config.Network`, write a function from an image to features and one from a code to parameters, and
call them from the `match` in `build_encoder` and in `build_decoder`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

import keras
import numpy as np
import tensorflow as tf

from components.models.batch_normalization import BatchNormalization
from components.models.config import ModelConfig, ModelKind, Network, Precision, PriorKind, Spread
from components.models.distributions import pixel_distribution
from components.models.spread import LogScale

# With 0.99, as in Keras, the moving averages, which evaluation uses, are right only after hundreds of steps. A short training
# has fewer; 0.9 still averages over ten batches.
_BATCH_NORMALIZATION_MOMENTUM = 0.9

_LEAST_LOG_VARIANCE = -6.0


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
    match config.network:
        case Network.DENSE:
            features = _dense_layers(keras.layers.Flatten(name="pixels")(image), config.hidden_units, config, seeds)
        case Network.CONV:
            features = _convolutional_features(image, config, seeds)
        case _:
            assert_never(config.network)
    statistics = {"mean": _statistic("mean", config.latent_dim, None, seeds)(features)}
    if config.kind is ModelKind.VAE:
        activation = bounded_log_variance if config.resolved_prior is PriorKind.VAMP else log_variance_activation
        log_variance = _statistic("log_variance", config.latent_dim, activation, seeds)
        statistics["log_variance"] = log_variance(features)
    return keras.Model(image, statistics, name="encoder")


def _convolutional_features(image: keras.KerasTensor, config: ModelConfig, seeds: Iterator[int]) -> keras.KerasTensor:
    features = image
    for number, filters in enumerate(config.filters, start=1):
        name = f"convolution_{number}"
        convolution = keras.layers.Conv2D(
            filters, kernel_size=3, strides=2, padding="same", **_hidden_layer(config, name, next(seeds))
        )
        features = _normalize_and_activate(convolution(features), config, name)
    return keras.layers.Flatten(name="features")(features)


def _statistic(name: str, latent_dim: int, activation: object, seeds: Iterator[int]) -> keras.layers.Layer:
    initializer = keras.initializers.GlorotUniform(next(seeds))
    return keras.layers.Dense(latent_dim, activation, kernel_initializer=initializer, name=name)


@keras.saving.register_keras_serializable(package="tfx_vae")
def log_variance_activation(raw: tf.Tensor) -> tf.Tensor:
    """Turns a layer's output into a log-variance that cannot overflow: the variance is elu(raw) + 1.

    Usually the output itself is the log-variance. Then its exponential, a term of the KL divergence, is infinite above 89, and
    one odd image ends a training in NaN. Clipping avoids that but stops the gradient, so that a clipped value never comes back.
    Here the variance grows exponentially up to 1 and linearly above. Nothing changes up to the prior's variance, where
    posteriors lie; above it the KL divergence and its gradient stay finite, and the gradient never vanishes. No lower bound is
    needed with a prior of N(0, I): nothing divides by the variance, and the KL divergence is linear in a very negative
    log-variance.

    Args:
      raw: float32 [N, L].

    Returns:
      float32 [N, L]: raw where it is negative, log(1 + raw) elsewhere; continuously differentiable.
    """
    return tf.minimum(raw, 0.0) + tf.math.log1p(tf.nn.relu(raw))


@keras.saving.register_keras_serializable(package="tfx_vae")
def bounded_log_variance(raw: tf.Tensor) -> tf.Tensor:
    """As `log_variance_activation`, but never below -6, for a prior that is made of posteriors (Tomczak & Welling, 2018).

    Such a prior does not fix the scale of codes. Without a bound, training lets means grow and variances shrink until a code
    is rounded to the mean of a pseudo-input; there the density of the prior has no limit, and the KL divergence is "negative".
    The authors clip the log-variance to [-6, 2]; here the gradient does not vanish at the bound.

    Args:
      raw: float32 [N, L].

    Returns:
      float32 [N, L]: close to `log_variance_activation(raw)` far above -6.
    """
    return log_variance_activation(_LEAST_LOG_VARIANCE + tf.nn.softplus(raw - _LEAST_LOG_VARIANCE))


def build_decoder(config: ModelConfig, image_shape: tuple[int, int, int], pixel_mean: float, seed: int) -> keras.Model:
    """The decoder as a functional Keras model.

    Its output bias is set so that the untrained decoder's expected image is the mean pixel: training need not learn that.

    Args:
      config: network, its widths, the size of the code, and the likelihood.
      image_shape: height, width, channels; any of them may be 1.
      pixel_mean: mean of all pixels of the training split, in [0, 1].
      seed: fixes the initial weights.

    Returns:
      A model from codes, float32 [N, L], to the parameters of the likelihood (distributions.py), float32
      [N, height, width, channels] or, with a learned spread, [N, height, width, 2 * channels].
    """
    seeds = layer_seeds(seed, "decoder")
    height, width, channels = image_shape
    first = [pixel_distribution(config).parameter_of(pixel_mean)] * channels
    # Zeros are the initial scale: see spread.py.
    of_pixel = first + [0.0] * channels if config.resolved_spread is Spread.PIXEL else first
    shape = (height, width, len(of_pixel))
    code = keras.Input((config.latent_dim,), name="code")
    network = config.decoder_network or config.network
    match network:
        case Network.DENSE:
            features = _dense_layers(code, config.hidden_units[::-1], config, seeds)
            pixels = _product_layer(config, "pixels", next(seeds))
            bias = _repeated(of_pixel, height * width)
            parameters = keras.layers.Dense(math.prod(shape), bias_initializer=bias, **pixels)(features)
        case Network.CONV:
            parameters = _convolutional_parameters(code, config, (height, width), of_pixel, seeds)
        case _:
            assert_never(network)
    # This layer computes in float32 whatever the precision of the layers before it, because losses are float32.
    parameters = keras.layers.Reshape(shape, name="parameters")(parameters)
    if config.resolved_spread not in (None, Spread.FIXED):
        parameters = LogScale(config.resolved_spread, name="log_scale")(parameters, code)
    return keras.Model(code, parameters, name="decoder")


def _convolutional_parameters(
    code: keras.KerasTensor,
    config: ModelConfig,
    image_size: tuple[int, int],
    bias: list[float],
    seeds: Iterator[int],
) -> keras.KerasTensor:
    sizes = _sizes(*image_size, len(config.filters))
    features = _first_feature_maps(code, config, sizes[-1], seeds)
    hidden = zip(reversed(config.filters[:-1]), reversed(sizes[1:-1]), strict=True)
    for number, (filters, size) in enumerate(hidden, start=1):
        name = f"convolution_{number}"
        # The stride divides the kernel size, so every pixel is covered equally often: no checkerboard (Odena et al., 2016).
        doubling = keras.layers.Conv2DTranspose(
            filters, kernel_size=4, strides=2, padding="same", **_hidden_layer(config, name, next(seeds))
        )
        features = _normalize_and_activate(_crop(doubling(features), size, name), config, name)
    # Each position gives its four pixels: half the time of a transposed convolution to so few channels.
    output = keras.layers.Conv2D(
        4 * len(bias), kernel_size=1, bias_initializer=_repeated(bias, 4), **_product_layer(config, "pixels", next(seeds))
    )
    return _crop(_depth_to_space(output(features)), image_size, "pixels")


def _repeated(values: list[float], times: int) -> keras.initializers.Initializer:
    return keras.initializers.Constant(np.tile(values, times))


def _first_feature_maps(
    code: keras.KerasTensor, config: ModelConfig, size: tuple[int, int], seeds: Iterator[int]
) -> keras.KerasTensor:
    """From the code to the smallest feature maps, normalised and activated."""
    features = _dense_layers(code, config.decoder_units, config, seeds)
    shape = (*size, config.filters[-1])
    dense = keras.layers.Dense(math.prod(shape), **_hidden_layer(config, "features", next(seeds)))
    features = keras.layers.Reshape(shape, name="feature_maps")(dense(features))
    for number in range(1, config.residual_layers + 1):
        name = f"residual_{number}"
        convolution = keras.layers.Conv2D(shape[-1], kernel_size=3, padding="same", **_product_layer(config, name, next(seeds)))
        change = convolution(_normalize_and_activate(features, config, name))
        features = keras.layers.Add(name=f"{name}_sum")([features, change])
    return _normalize_and_activate(features, config, "features")


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
    """Removes the last row or column that doubling adds where the encoder had an odd size."""
    surplus = tuple((0, doubled - wanted) for doubled, wanted in zip(features.shape[1:3], size, strict=True))
    if surplus == ((0, 0), (0, 0)):
        return features
    return keras.layers.Cropping2D(surplus, name=f"{name}_crop")(features)


def _dense_layers(
    features: keras.KerasTensor, widths: Sequence[int], config: ModelConfig, seeds: Iterator[int]
) -> keras.KerasTensor:
    """Dense layers `hidden_1`, `hidden_2`, ..., each normalised and activated: from [N, F] to [N, last width]."""
    for number, units in enumerate(widths, start=1):
        name = f"hidden_{number}"
        dense = keras.layers.Dense(units, **_hidden_layer(config, name, next(seeds)))
        features = _normalize_and_activate(dense(features), config, name)
    return features


def _normalize_and_activate(features: keras.KerasTensor, config: ModelConfig, name: str) -> keras.KerasTensor:
    """Batch normalisation, if configured (Ioffe & Szegedy, 2015), and the activation, of the output of the layer `name`."""
    if config.batch_normalization:
        normalization = BatchNormalization(momentum=_BATCH_NORMALIZATION_MOMENTUM, name=f"{name}_batch_normalization")
        features = normalization(features)
    return keras.layers.Activation(config.activation, name=f"{name}_activation")(features)


def _hidden_layer(config: ModelConfig, name: str, seed: int) -> dict[str, Any]:
    """Keyword arguments of a layer before `_normalize_and_activate`. Batch normalisation has a bias, so this needs none."""
    return {"use_bias": not config.batch_normalization, **_product_layer(config, name, seed)}


def _product_layer(config: ModelConfig, name: str, seed: int) -> dict[str, Any]:
    """Keyword arguments of any dense or convolutional layer: name, initial weights, precision. Variables are always float32."""
    return {
        "name": name,
        "kernel_initializer": keras.initializers.GlorotUniform(seed),
        "dtype": keras.DTypePolicy("mixed_bfloat16" if config.precision is Precision.BFLOAT16 else "float32"),
    }


def layer_seeds(seed: int, part: str) -> Iterator[int]:
    """An endless sequence of seeds, one for the initializer of each layer of one part of a model.

    The sequences of two seeds, or of two parts, are independent. Counting up from `seed` would give the second layer of one run
    the initial weights of the first layer of the next run.

    Args:
      seed: not negative.
      part: the part's name, for example `encoder`.

    Yields:
      Integers in [0, 2**31).
    """
    generator = np.random.default_rng([seed, *part.encode()])
    while True:
        yield int(generator.integers(2**31))
