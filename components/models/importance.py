"""The importance-weighted bound of Burda et al., 2016, "Importance Weighted Autoencoders".

With K codes drawn from the posterior, z_k ~ q(z|x), and the weights w_k = p(x|z_k) p(z_k) / q(z_k|x),

    log p(x)  >=  L_K  =  E[log (1/K) sum_k w_k]                                                       (equation 8)

L_1 is the ELBO, L_K never falls as K grows, and it tends to log p(x). Weights are kept as logarithms, for they run over
hundreds of orders of magnitude.
"""

import math

import tensorflow as tf

from components.models.autoencoder import Autoencoder


def log_importance_weights(
    model: Autoencoder, inputs: tf.Tensor, pixels: tf.Tensor, noise: tf.Tensor, training: bool = False
) -> tf.Tensor:
    """log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x) for K codes of each image.

    Memory grows with K times N images.

    Args:
      model: a model whose code is a random variable.
      inputs: float32 [N, height, width, channels], normalised: what the encoder sees.
      pixels: the same images in [0, 1]: what the likelihood is about.
      noise: float32 [K, N, L], drawn from the standard normal. With the same noise the result is the same.
      training: whether batch normalisation uses and updates the statistics of this batch.

    Returns:
      float32 [K, N], in nats per image.

    Raises:
      ValueError: the model's code is deterministic: q(z|x) has no density, and there are no weights.
    """
    posterior = model.encode(inputs, training)
    if posterior.log_variance is None:
        raise ValueError("A deterministic code has no posterior density, so there are no importance weights.")
    samples = tf.shape(noise)[0]
    codes = model.sample_code(posterior, noise)
    parameters = model.decode(tf.reshape(codes, [-1, model.latent_dim]), training)
    repeated_pixels = tf.tile(pixels, [samples, 1, 1, 1])
    log_likelihood = tf.reshape(model.log_likelihood(repeated_pixels, parameters), [samples, -1])
    log_prior = _log_normal_density(codes)
    # The posterior's density at mean + stddev * noise, without dividing by a standard deviation that may be tiny.
    log_posterior = _log_normal_density(noise) - 0.5 * tf.reduce_sum(posterior.log_variance, axis=-1)
    return log_likelihood + log_prior - log_posterior


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
