"""The learned spread of pixels: the logarithm of the scale of the likelihood p(x|z), for example of a standard deviation."""

import math
from typing import Any, Final

import keras
import tensorflow as tf

from components.models.config import Spread

SMALLEST_LOG_SCALE: Final = math.log(0.1 / 255.0)
"""A tenth of a grey level. Images have 256 levels, so a smaller scale describes rounding, and a density grows without limit."""

INITIAL_LOG_SCALE: Final = math.log(0.1)
"""Of an untrained model. Standard deviations of reconstructions are between 0.02 and 0.3."""

# Adam moves each variable by about the learning rate. A scale must move by a factor of 10 within a short training.
_RATE = 10.0


@keras.saving.register_keras_serializable(package="tfx_vae")
def log_scale_activation(raw: tf.Tensor) -> tf.Tensor:
    """Turns any number into the logarithm of a scale that is neither too small nor infinite.

    The result is `raw` where the scale is between a few tenths of a grey level and 1. It tends to `SMALLEST_LOG_SCALE` below,
    and the scale itself grows linearly above. Its gradient never vanishes altogether, so every value finds its way back.
    """
    raised = SMALLEST_LOG_SCALE + tf.nn.softplus(raw - SMALLEST_LOG_SCALE)
    return tf.minimum(raised, 0.0) + tf.math.log1p(tf.nn.relu(raised))


@keras.saving.register_keras_serializable(package="tfx_vae")
class LogScale(keras.layers.Layer):
    """Appends the log scale of each pixel to the first parameter of each pixel, along the last axis.

    Args:
      spread: which pixels have a scale in common. Where it is `pixel` none have, and the layer's input already has both
        parameters of each pixel.
    """

    def __init__(self, spread: Spread, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.spread = Spread(spread)

    def build(self, parameters_shape: tuple[int, ...], code_shape: tuple[int, ...]) -> None:
        """Makes the variables; they start from one scale for all pixels."""
        if self.spread is Spread.PIXEL:
            return
        size = parameters_shape[-1] if self.spread is Spread.CHANNEL else 1
        self.offset = self.add_weight(shape=(size,), initializer="zeros", name="offset")
        if self.spread is Spread.IMAGE:
            self.kernel = self.add_weight(shape=(code_shape[-1], 1), initializer="zeros", name="kernel")

    def call(self, parameters: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
        """From float32 [N, height, width, channels] and the codes [N, L] to [N, height, width, 2 * channels]."""
        if self.spread is Spread.PIXEL:
            first, raw = tf.split(parameters, 2, axis=-1)
            return tf.concat([first, log_scale_activation(INITIAL_LOG_SCALE + raw)], axis=-1)
        raw = INITIAL_LOG_SCALE + _RATE * tf.convert_to_tensor(self.offset)
        if self.spread is Spread.IMAGE:
            raw = tf.reshape(raw + tf.matmul(code, self.kernel), [-1, 1, 1, 1])
        log_scale = tf.broadcast_to(log_scale_activation(raw), tf.shape(parameters))
        return tf.concat([parameters, log_scale], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What makes the same layer again."""
        return {**super().get_config(), "spread": self.spread.value}
