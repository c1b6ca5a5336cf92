"""Likelihoods, the Kullback-Leibler divergence and the reparameterisation trick, one number per example.

Nothing here averages over the batch: sums run over the pixels (the KL keeps its latent dimensions apart), and the caller
reduces. All in nats.
"""

import math
from collections.abc import Callable

import tensorflow as tf


def bernoulli_log_likelihood(pixels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Log-likelihood of images whose pixels are independent Bernoulli variables.

    A grey pixel is read as the probability that the pixel is on, so this is the expected log-likelihood of binary images drawn
    from the grey one; it is at most minus the entropy of the grey pixels, and so below zero unless the image is binary.

    Args:
      pixels: float32 [N, ...] in [0, 1]; data, so there is no gradient to them.
      logits: float32, of the shape of `pixels`: log-odds that a pixel is on.

    Returns:
      float32 [N]: nats per image, summed over all axes but the first.
    """

    @tf.custom_gradient
    def log_likelihood(logits: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        probabilities = tf.sigmoid(logits)
        # x logit - log(1 + exp(logit)), where the logarithm's argument is never near 0.
        log_normalizer = tf.nn.relu(logits) - tf.math.log(tf.maximum(probabilities, 1.0 - probabilities))

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            weights = tf.reshape(upstream, [-1, *[1] * (logits.shape.rank - 1)])
            return weights * (pixels - probabilities)

        return _sum_over_pixels(pixels * logits - log_normalizer), gradient

    # By hand, because it shares the sigmoid: two thirds of the time of TensorFlow's cross-entropy and its gradient.
    return log_likelihood(tf.convert_to_tensor(logits))


def gaussian_log_likelihood(pixels: tf.Tensor, mean: tf.Tensor, stddev: float) -> tf.Tensor:
    """Log-density of images whose pixels are independent Gaussian variables of one standard deviation.

    Args:
      pixels: float32 [N, ...].
      mean: float32, of the shape of `pixels`.
      stddev: standard deviation of every pixel, greater than 0.

    Returns:
      float32 [N]: nats per image, summed over all axes but the first. A density: it may be positive.
    """
    squared_distance = tf.math.squared_difference(pixels, mean) / (2.0 * stddev**2)
    return -_sum_over_pixels(squared_distance + math.log(stddev) + 0.5 * math.log(2.0 * math.pi))


def kl_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL divergence of a diagonal Gaussian from the standard normal, in closed form.

    Kingma & Welling, 2014, "Auto-Encoding Variational Bayes", appendix B.

    Args:
      mean: float32 [N, L].
      log_variance: float32 [N, L].

    Returns:
      float32 [N, L]: nats for each latent dimension, never negative but for rounding.
    """
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance)


def reparameterize(mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """A sample of a diagonal Gaussian as a differentiable function of its parameters.

    Kingma & Welling, 2014, section 2.4.

    Args:
      mean: float32 [N, L].
      log_variance: float32 [N, L].
      noise: float32 [N, L], drawn from the standard normal.

    Returns:
      float32 [N, L].
    """
    return mean + tf.exp(0.5 * log_variance) * noise


def _sum_over_pixels(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values, axis=tuple(range(1, values.shape.rank)))
