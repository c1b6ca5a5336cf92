"""What an encoder says about an image: where in the latent space it may be."""

from typing import NamedTuple

import keras
import tensorflow as tf


class Posterior(NamedTuple):
    """A diagonal Gaussian over codes for each image, or the code itself."""

    mean: tf.Tensor
    """float32 [N, L]. An autoencoder's code."""

    log_variance: tf.Tensor | None
    """float32 [N, L]; None where the code is deterministic."""


@keras.saving.register_keras_serializable(package="tfx_vae")
def log_variance_activation(raw: tf.Tensor) -> tf.Tensor:
    """Turns a layer's output into a log-variance that cannot overflow: the variance is elu(raw) + 1.

    Taking the output itself as log-variance is the usual choice, but then its exponential, which stands in the KL divergence,
    is infinite from 89 on, and one odd image ends a training in NaN. Clipping avoids that and stops the gradient, so that a
    clipped value never comes back. Here the variance grows exponentially up to 1 and linearly above: up to the prior's
    variance, where posteriors live, nothing changes; above it the KL and its gradient stay finite, and the gradient never
    vanishes. There is no lower bound because none is needed: nothing divides by the variance, and the KL is linear in a very
    negative log-variance.

    Args:
      raw: float32 [N, L].

    Returns:
      float32 [N, L]: raw where it is negative, log(1 + raw) elsewhere; continuous, and so is its derivative.
    """
    return tf.minimum(raw, 0.0) + tf.math.log1p(tf.nn.relu(raw))
