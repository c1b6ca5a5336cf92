"""Statistics of codes: how many dimensions are used, how the codes compare with the prior, and paths between codes."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

# Rows of an N x N matrix that are in memory at once.
_BLOCK = 500

# Radians. Below it (or as close to half a turn) the sine by which slerp divides is mostly rounding error.
_SMALLEST_ANGLE = 1e-3

ACTIVE_VARIANCE = 0.01
"""A latent dimension is active if the variance of its posterior mean over images exceeds this: Burda et al., 2016, "Importance
Weighted Autoencoders", section 5.2."""


def is_active(variance: ArrayLike) -> NDArray[np.bool_]:
    """Which latent dimensions are active: see `ACTIVE_VARIANCE`.

    Args:
      variance: of the posterior mean over images, [L].

    Returns:
      Boolean [L].
    """
    return np.asarray(variance) > ACTIVE_VARIANCE


class LatentMoments(NamedTuple):
    """Sums over images, which add up over batches; each float64 [L]."""

    images: int
    mean: NDArray[np.float64]
    """Sum of the posterior means."""

    squared_mean: NDArray[np.float64]
    """Sum of the squares of the posterior means."""

    kl_divergence: NDArray[np.float64]
    """Sum of the KL divergences from the prior, in nats."""

    @classmethod
    def of(cls, mean: ArrayLike, kl_divergence: ArrayLike) -> "LatentMoments":
        """The sums over one batch.

        Args:
          mean: posterior means, [N, L].
          kl_divergence: nats for each dimension, [N, L].
        """
        means, divergences = np.asarray(mean, np.float64), np.asarray(kl_divergence, np.float64)
        return cls(len(means), means.sum(axis=0), (means**2).sum(axis=0), divergences.sum(axis=0))

    def plus(self, other: "LatentMoments") -> "LatentMoments":
        """The sums over the images of both."""
        return LatentMoments(
            self.images + other.images,
            self.mean + other.mean,
            self.squared_mean + other.squared_mean,
            self.kl_divergence + other.kl_divergence,
        )

    def kl_per_dimension(self) -> NDArray[np.float64]:
        """Mean KL divergence of each dimension, in nats per image: float64 [L]."""
        return self.kl_divergence / self.images

    def active_units(self) -> int:
        """How many dimensions are active: see `ACTIVE_VARIANCE`."""
        variance = self.squared_mean / self.images - (self.mean / self.images) ** 2
        return int(is_active(variance).sum())


class Rate(NamedTuple):
    """The two parts of the rate, the mean KL divergence of the posteriors from the prior, in nats per image.

    Hoffman & Johnson, 2016, "ELBO surgery: yet another way to carve up the variational evidence lower bound". The aggregate
    posterior of N images is q(z) = (1/N) sum_n q(z|x_n). Then

        (1/N) sum_n KL(q(z|x_n) || p(z))  =  I(n; z)  +  KL(q(z) || p(z))
    """

    mutual_information: float
    """I(n; z), of an image and its code: between 0 and log N, except for the Monte Carlo error."""

    marginal_kl: float
    """KL(q(z) || p(z)): how far samples of the prior are from codes. Not negative, except for the Monte Carlo error."""


def decompose_rate(
    mean: tf.Tensor, log_variance: tf.Tensor, codes: tf.Tensor, beyond_standard_normal: tf.Tensor | float = 0.0
) -> Rate:
    """Estimates both parts of the rate from one code of each image.

    Time grows with the square of N, memory with N.

    Args:
      mean: [N, L], of the Gaussian posteriors.
      log_variance: [N, L].
      codes: [N, L]; row n is drawn from posterior n.
      beyond_standard_normal: log N(z; 0, I) - log p(z) of each code, [N]; 0 if the prior is N(0, I).
    """
    mean, log_variance, codes = (tf.cast(values, tf.float64) for values in (mean, log_variance, codes))
    log_standard_normal = _log_density(codes, tf.zeros_like(mean), tf.zeros_like(mean))
    log_posterior = _log_density(codes, mean, log_variance)
    log_aggregate = _log_mixture(codes, mean, log_variance)
    return Rate(
        mutual_information=float(tf.reduce_mean(log_posterior - log_aggregate)),
        marginal_kl=float(
            tf.reduce_mean(log_aggregate - log_standard_normal) + np.mean(beyond_standard_normal, dtype=np.float64)
        ),
    )


def _log_density(codes: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """log N(z_n; mean_n, variance_n): [N]."""
    squared_distance = tf.math.squared_difference(codes, mean) * tf.exp(-log_variance)
    return -0.5 * tf.reduce_sum(squared_distance + log_variance + math.log(2.0 * math.pi), axis=1)


def _log_mixture(codes: tf.Tensor, mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """log (1/N) sum_m N(z_n; mean_m, variance_m): [N].

    The square is expanded, so that two matrix products give all pairs.
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


def maximum_mean_discrepancy(codes: tf.Tensor) -> float:
    """The squared maximum mean discrepancy between codes and the standard normal.

    Gretton et al., 2012, "A Kernel Two-Sample Test", equation 3, with the Gaussian kernel k(x, y) = exp(-|x - y|^2 / (2 L)),
    whose width is of the order of the distance between two codes. For this kernel the two terms with the prior have a closed
    form (Henze & Zirkler, 1990), so that no sample of the prior is needed:

        MMD^2 = mean over i != j of k(z_i, z_j)  -  2 mean over i of E_y[k(z_i, y)]  +  E_yy'[k(y, y')],   y, y' ~ N(0, I)

    Time grows with the square of N, memory with N.

    Args:
      codes: [N, L], at least two rows.

    Returns:
      A number without unit, at most 1. Its expectation is 0 for codes drawn from the prior, so it may be negative.
    """
    codes = tf.cast(codes, tf.float64)
    count, latent_dim = codes.shape
    squared_width = float(latent_dim)
    squared_norms = tf.reduce_sum(tf.square(codes), axis=1)
    total = 0.0
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        products = tf.matmul(codes[block], codes, transpose_b=True)
        squared_distances = squared_norms[block, tf.newaxis] - 2.0 * products + squared_norms
        total += float(tf.reduce_sum(tf.exp(-squared_distances / (2.0 * squared_width))))
    between_codes = (total - count) / (count * (count - 1))
    to_prior = tf.reduce_mean(tf.exp(-squared_norms / (2.0 * (squared_width + 1.0))))
    to_prior *= (squared_width / (squared_width + 1.0)) ** (latent_dim / 2)
    within_prior = (squared_width / (squared_width + 2.0)) ** (latent_dim / 2)
    return between_codes - 2.0 * float(to_prior) + within_prior


def linear_path(start: tf.Tensor, end: tf.Tensor, steps: tf.Tensor | int) -> tf.Tensor:
    """Codes on the straight line from `start` to `end`, equally spaced.

    Args:
      start: float32 [N, L].
      end: float32 [N, L].
      steps: number of codes, both ends included: int32 scalar. 1 gives only the start.

    Returns:
      float32 [N, steps, L], whose first and last codes are exactly `start` and `end`.
    """
    time = _times(steps)
    return (1.0 - time) * start[:, tf.newaxis] + time * end[:, tf.newaxis]


def spherical_path(start: tf.Tensor, end: tf.Tensor, steps: tf.Tensor | int) -> tf.Tensor:
    """Codes on the arc from `start` to `end`, in equal angles: spherical linear interpolation, "slerp".

    White, 2016, "Sampling Generative Networks", section 2.1; Shoemake, 1985. In many dimensions nearly all of a standard normal
    lies near a sphere. A straight line between two codes leaves it: its middle is shorter than any code that the decoder was
    trained on. If the arc is not defined (an end is zero, or both have the same or opposite directions) the path is the
    straight line.

    Args:
      start: float32 [N, L].
      end: float32 [N, L].
      steps: number of codes, both ends included: int32 scalar. 1 gives only the start.

    Returns:
      float32 [N, steps, L], whose first and last codes are exactly `start` and `end`.
    """
    time = _times(steps)
    angle = _angle(start, end)[:, tf.newaxis]
    sine = tf.sin(angle)
    # At the ends the straight line is exact, while sin(angle) / sin(angle) need not be.
    is_straight = (sine < _SMALLEST_ANGLE) | (time <= 0.0) | (time >= 1.0)
    start_weight = tf.where(is_straight, 1.0 - time, tf.math.divide_no_nan(tf.sin((1.0 - time) * angle), sine))
    end_weight = tf.where(is_straight, time, tf.math.divide_no_nan(tf.sin(time * angle), sine))
    return start_weight * start[:, tf.newaxis] + end_weight * end[:, tf.newaxis]


def _times(steps: tf.Tensor | int) -> tf.Tensor:
    """float32 [1, steps, 1] from 0 to exactly 1."""
    last = tf.maximum(steps - 1, 1)
    return (tf.cast(tf.range(steps), tf.float32) / tf.cast(last, tf.float32))[tf.newaxis, :, tf.newaxis]


def _angle(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Radians between the rows of two matrices, float32 [N, 1]; 0 where one of the two is zero.

    Kahan's formula, which is accurate for small angles too; the arc cosine is not.
    """
    first_length = tf.norm(first, axis=1, keepdims=True)
    second_length = tf.norm(second, axis=1, keepdims=True)
    crossed_first, crossed_second = second_length * first, first_length * second
    difference = tf.norm(crossed_first - crossed_second, axis=1, keepdims=True)
    total = tf.norm(crossed_first + crossed_second, axis=1, keepdims=True)
    return 2.0 * tf.atan2(difference, total)
