"""The aggregate posterior, and the two parts of the KL divergence.

Hoffman & Johnson, 2016, "ELBO surgery: yet another way to carve up the variational evidence lower bound". With N images, the
aggregate posterior q(z) = (1/N) sum_n q(z|x_n), and for their mean KL divergence from the prior

    (1/N) sum_n KL(q(z|x_n) || p(z))  =  I(n; z)  +  KL(q(z) || p(z))

The first part is the mutual information between an image and its code, at most log N; the second, the marginal KL, is what
keeps a sample of the prior from being like a code.
"""

import math
from typing import NamedTuple

import tensorflow as tf

# Rows of the N x N matrix of densities that are in memory at once.
_BLOCK = 500


class Rate(NamedTuple):
    """The two parts of the mean KL divergence, in nats per image."""

    mutual_information: float
    """I(n; z), between 0 and log N but for the Monte Carlo error."""

    marginal_kl: float
    """KL(q(z) || p(z)), never negative but for the Monte Carlo error."""


def decompose_rate(mean: tf.Tensor, log_variance: tf.Tensor, codes: tf.Tensor) -> Rate:
    """Both parts, each estimated from one code of each image.

    Takes time that grows with the square of N, and memory that grows with N.

    Args:
      mean: [N, L], of the Gaussian posteriors.
      log_variance: [N, L].
      codes: [N, L], the n-th drawn from the n-th posterior.
    """
    mean, log_variance, codes = (tf.cast(values, tf.float64) for values in (mean, log_variance, codes))
    log_prior = _log_density(codes, tf.zeros_like(mean), tf.zeros_like(mean))
    log_posterior = _log_density(codes, mean, log_variance)
    log_aggregate = _log_mixture(codes, mean, log_variance)
    return Rate(
        mutual_information=float(tf.reduce_mean(log_posterior - log_aggregate)),
        marginal_kl=float(tf.reduce_mean(log_aggregate - log_prior)),
    )


def _log_density(codes: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """log N(z_n; mean_n, variance_n): [N]."""
    squared_distance = tf.math.squared_difference(codes, mean) * tf.exp(-log_variance)
    return -0.5 * tf.reduce_sum(squared_distance + log_variance + math.log(2.0 * math.pi), axis=1)


def _log_mixture(codes: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """log (1/N) sum_m N(z_n; mean_m, variance_m): [N].

    The square is multiplied out, so that all pairs come from two matrix products.
    """
    precision = tf.exp(-log_variance)
    constant = tf.reduce_sum(tf.square(mean) * precision + log_variance + math.log(2.0 * math.pi), axis=1)
    blocks = []
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        squares = tf.matmul(tf.square(block), precision, transpose_b=True)
        products = tf.matmul(block, mean * precision, transpose_b=True)
        blocks.append(tf.reduce_logsumexp(-0.5 * (squares - 2.0 * products + constant), axis=1))
    return tf.concat(blocks, axis=0) - math.log(len(codes))
