"""The importance-weighted bound of Burda et al., 2016, "Importance Weighted Autoencoders".

With K codes drawn from the posterior, z_k ~ q(z|x), and the weights w_k = p(x|z_k) p(z_k) / q(z_k|x),

    log p(x)  >=  L_K  =  E[log (1/K) sum_k w_k]                                                       (equation 8)

L_1 is the ELBO, L_K never falls as K grows, and it tends to log p(x). Weights are kept as logarithms, for they run over
hundreds of orders of magnitude.
"""

import math

import tensorflow as tf

from components.models.autoencoder import Autoencoder
from components.models.posterior_samples import PosteriorSamples, sample_posterior


def log_importance_weights(
    model: Autoencoder, inputs: tf.Tensor, pixels: tf.Tensor, noise: tf.Tensor, training: bool = False
) -> tf.Tensor:
    """log w_k for K codes of each image, drawn for the purpose; arguments as for `sample_posterior`, result as below."""
    return log_weights(sample_posterior(model, inputs, pixels, noise, training))


def log_weights(samples: PosteriorSamples) -> tf.Tensor:
    """log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x) for K codes of each image.

    Args:
      samples: K codes of each of N images, of a model whose code is a random variable.

    Returns:
      float32 [K, N], in nats per image.

    Raises:
      ValueError: the model's code is deterministic: q(z|x) has no density, and there are no weights.
    """
    log_variance = samples.posterior.log_variance
    if log_variance is None:
        raise ValueError("A deterministic code has no posterior density, so there are no importance weights.")
    log_prior = _log_normal_density(samples.codes)
    # The posterior's density at mean + stddev * noise, without dividing by a standard deviation that may be tiny.
    log_posterior = _log_normal_density(samples.noise) - 0.5 * tf.reduce_sum(log_variance, axis=-1)
    return samples.log_likelihood + log_prior - log_posterior


def importance_weighted_bound(log_weights: tf.Tensor) -> tf.Tensor:
    """L_K, a lower bound of log p(x): the logarithm of the mean weight.

    Args:
      log_weights: float32 [K, N].

    Returns:
      float32 [N], in nats per image; for K = 1 the log weight itself.
    """
    return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(tf.cast(tf.shape(log_weights)[0], log_weights.dtype))


def _log_normal_density(values: tf.Tensor) -> tf.Tensor:
    """Log-density of the standard normal, summed over the last axis."""
    return -0.5 * tf.reduce_sum(tf.square(values) + math.log(2.0 * math.pi), axis=-1)
