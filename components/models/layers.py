"""What stands between two layers of an encoder or a decoder."""

from typing import Any

import keras

from components.models.batch_normalization import BatchNormalization
from components.models.config import ModelConfig, Precision

# Keras's 0.99 needs hundreds of steps before the moving averages, with which a model is evaluated, describe it; a short
# training has fewer, and 0.9 still averages over ten batches.
_BATCH_NORMALIZATION_MOMENTUM = 0.9


def normalize_and_activate(features: keras.KerasTensor, config: ModelConfig, name: str) -> keras.KerasTensor:
    """Batch normalisation, if the configuration asks for it (Ioffe & Szegedy, 2015), and the activation.

    Args:
      features: output of a layer made with `use_bias=needs_bias(config)`.
      config: the model's configuration.
      name: the layer's name, from which the names of these two are made.
    """
    if config.batch_normalization:
        normalization = BatchNormalization(momentum=_BATCH_NORMALIZATION_MOMENTUM, name=f"{name}_batch_normalization")
        features = normalization(features)
    return keras.layers.Activation(config.activation, name=f"{name}_activation")(features)


def needs_bias(config: ModelConfig) -> bool:
    """Whether a hidden layer has a bias: batch normalisation subtracts it again, and has its own."""
    return not config.batch_normalization


def product_layer(config: ModelConfig, name: str, seed: int) -> dict[str, Any]:
    """What every matrix product and every convolution is made with: its name, its initial weights and its types.

    Args:
      config: the model's configuration.
      name: the layer's name.
      seed: fixes the initial weights.

    Returns:
      Keyword arguments of a Keras layer. Variables are float32 in any case.
    """
    return {
        "name": name,
        "kernel_initializer": keras.initializers.GlorotUniform(seed),
        "dtype": keras.DTypePolicy("mixed_bfloat16" if config.precision is Precision.BFLOAT16 else "float32"),
    }
