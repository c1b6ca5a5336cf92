"""A mixture of Gaussians with full covariances, and its fit to codes by expectation maximisation (Dempster et al., 1977).

The quadratic form of a Gaussian is linear in the products z_i z_j. So with the row phi(z) = (1, z_i, z_i z_j for i <= j) the
log-densities of all components are one matrix product, and so are the sums that the next components come from. An iteration
over 110,000 codes of 32 dimensions and 100 components takes half a CPU second, and its memory is limited.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

Array = NDArray[np.float64]
_Block = tuple[slice, NDArray[np.float32]]
"""The place of some codes among all, and their phi, [B, F]."""

_LOGGER = logging.getLogger("tfx_vae.trainer")

_CODES_PER_DIMENSION = 10
"""A component needs this number of codes for each of its dimensions: fewer describe these codes and no others."""

_RIDGE = 1e-3
"""Added to the variances of each component, where the variance of all codes is 1. A density needs variances above 0."""

_SMALLEST_SCALE = 1e-3
"""Smallest standard deviation of a dimension, where that of the widest one is 1."""

_OTHERS = 10.0
"""Codes that a component counts in addition to its own, with the mean covariance of all components."""

_FIRST_CODES = 10_000
"""Codes from which the first iterations start."""

_LLOYD_ITERATIONS = 10
_FIRST_ITERATIONS = 10
_ITERATIONS = 10
_TOLERANCE = 2e-3
"""Nats per code; an iteration that gains less is the last one."""

_LEAST_LOG_SHARE = -30.0
"""No share of a component in a code is counted as less: products of denormal numbers would take most of the time."""

_BLOCK_NUMBERS = 2**21
"""Numbers of phi that are computed at once: 8 MB."""
_KEPT_NUMBERS = 2**26
"""Numbers of phi that are kept for the next iteration, at most: 256 MB. To compute them takes longer than to use them."""


class MixtureParameters(NamedTuple):
    """A mixture of K Gaussians over codes of L dimensions, each array float64."""

    weights: Array
    """[K], at least 0; the sum is 1."""

    means: Array
    """[K, L]."""

    choleskys: Array
    """[K, L, L], lower triangular; each times its transpose is a covariance."""


class GaussianMixture(tf.Module):
    """A mixture of Gaussians as a prior. Its parameters are variables, so that an exported model has them once."""

    def __init__(self, parameters: MixtureParameters, name: str = "mixture") -> None:
        """Makes the variables."""
        super().__init__(name=name)
        self._cumulative_weights = variable(np.cumsum(parameters.weights)[:-1], "cumulative_weights")
        self._means = variable(parameters.means, "means")
        self._choleskys = variable(parameters.choleskys, "choleskys")
        self._whitening = variable(np.linalg.inv(parameters.choleskys).transpose(0, 2, 1), "whitening")
        self._constants = variable(log_normalizers(parameters), "constants")

    def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
        """See `components.models.prior.Prior`."""
        component = tf.searchsorted(self._cumulative_weights, choice, side="right")
        return tf.gather(self._means, component) + tf.linalg.matvec(tf.gather(self._choleskys, component), noise)

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """See `components.models.prior.Prior`."""
        rows = tf.reshape(codes, [1, -1, codes.shape[-1]])
        # The difference first: the expanded square would lose the digits that the two terms share.
        whitened = tf.matmul(rows - self._means[:, tf.newaxis], self._whitening)
        log_densities = self._constants[:, tf.newaxis] - 0.5 * tf.reduce_sum(tf.square(whitened), axis=-1)
        return tf.reshape(tf.reduce_logsumexp(log_densities, axis=0), tf.shape(codes)[:-1])


def variable(value: ArrayLike, name: str) -> tf.Variable:
    """A parameter of a distribution that was fitted."""
    return tf.Variable(np.asarray(value, np.float32), trainable=False, name=name)


def fit_mixture(codes: ArrayLike, components: int, seed: int) -> MixtureParameters:
    """A mixture of high likelihood: k-means on 10,000 of the codes, then expectation maximisation, at last on all of them.

    Any codes will do: constant or dependent dimensions, duplicates, or few of them. A mixture of fewer components is
    fitted, with a warning, where there are not enough different codes for all.

    Args:
      codes: [N, L], at least one.
      components: K, at most.
      seed: Fixes the result, bit for bit on one machine.

    Raises:
      ValueError: the codes are not a matrix, there are none, or one is not finite.
    """
    values = np.asarray(codes, np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"A mixture is fitted to a matrix of codes with at least one row, not to the shape {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("A mixture cannot be fitted to codes that are NaN or infinite.")
    enough = most_components(values.shape)
    if enough < components:
        _LOGGER.warning(
            "The prior has %d Gaussian%s instead of %d: each needs %d codes, and their number is %d.",
            enough, "" if enough == 1 else "s", components, _CODES_PER_DIMENSION * values.shape[1], len(values),
        )  # fmt: skip
    components = min(components, enough)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    widest = deviation.max()
    scale = np.maximum(deviation, _SMALLEST_SCALE * widest if widest > 0 else _SMALLEST_SCALE)
    values = (values - mean) / scale
    first = values[np.linspace(0, len(values) - 1, min(len(values), _FIRST_CODES)).astype(np.int64)]
    # On a busy machine the threads of a matrix product mostly wait for each other: one takes a third of the CPU time.
    with threadpool_limits(1):
        members = _cluster(first, components, np.random.default_rng(seed))
        sums = sum(members[place].T @ phi for place, phi in _blocks(first))
        parameters = _maximize(np.asarray(sums), values.shape[1])
        parameters = _iterate(first, parameters, _FIRST_ITERATIONS)
        parameters = _iterate(values, parameters, _ITERATIONS)
    return MixtureParameters(parameters.weights, mean + scale * parameters.means, scale[:, np.newaxis] * parameters.choleskys)


def most_components(shape: Sequence[int]) -> int:
    """How many components are affordable with codes of a shape, [N, L]."""
    count, latent_dim = shape
    return max(1, count // (_CODES_PER_DIMENSION * latent_dim))


def _cluster(values: Array, components: int, random: np.random.Generator) -> Array:
    """Shares of codes in clusters, each 0 or 1, [N, K]: k-means++ (Arthur & Vassilvitskii, 2007), then Lloyd's iterations."""
    centres = values[random.integers(len(values), size=1)]
    squared_distances = np.full(len(values), np.inf)
    for _ in range(components - 1):
        squared_distances = np.minimum(squared_distances, np.square(values - centres[-1]).sum(axis=1))
        cumulative = np.cumsum(squared_distances)
        # All codes may be at a centre already; then any will do.
        chosen = np.searchsorted(cumulative, random.random() * cumulative[-1], side="right")
        centres = np.concatenate([centres, values[[min(chosen, len(values) - 1)]]])
    for _ in range(_LLOYD_ITERATIONS):
        nearest = np.argmin(np.square(centres).sum(axis=1) - 2.0 * values @ centres.T, axis=1)
        members = (nearest[:, np.newaxis] == np.arange(components)).astype(np.float32)
        centres = (members.T @ values + centres) / (members.sum(axis=0)[:, np.newaxis] + 1.0)
    return members


def _iterate(values: Array, parameters: MixtureParameters, iterations: int) -> MixtureParameters:
    last = -math.inf
    blocks = _kept_blocks(values)
    for _ in range(iterations):
        sums, log_likelihood = _expect(blocks or _blocks(values), parameters)
        parameters = _maximize(sums, values.shape[1])
        if log_likelihood - last < _TOLERANCE:
            break
        last = log_likelihood
    return parameters


def _expect(blocks: Iterable[_Block], parameters: MixtureParameters) -> tuple[Array, float]:
    """Sums of phi(z) over all codes, each with the probability of each component given the code, and the mean log-likelihood.

    Returns:
      The sums, [K, F], and nats per code.
    """
    rows, columns = np.triu_indices(parameters.means.shape[1])
    inverse = np.linalg.inv(parameters.choleskys)
    precision = inverse.transpose(0, 2, 1) @ inverse
    linear = (precision @ parameters.means[:, :, np.newaxis])[:, :, 0]
    # A product of two different dimensions occurs twice in the quadratic form.
    quadratic = -0.5 * np.where(rows == columns, 1.0, 2.0) * precision[:, rows, columns]
    constant = log_normalizers(parameters) - 0.5 * (linear * parameters.means).sum(axis=1)
    coefficients = np.concatenate([constant[:, np.newaxis], linear, quadratic], axis=1)
    sums, log_likelihood, count = np.zeros_like(coefficients), 0.0, 0
    for _, phi in blocks:
        log_densities = phi @ coefficients.T.astype(np.float32)
        highest = log_densities.max(axis=1, keepdims=True)
        densities = np.exp(np.maximum(log_densities - highest, _LEAST_LOG_SHARE))
        total = densities.sum(axis=1, keepdims=True)
        log_likelihood += float((highest + np.log(total)).sum(dtype=np.float64))
        sums += (densities / total).T @ phi
        count += len(phi)
    return sums, log_likelihood / count


def _maximize(sums: Array, latent_dim: int) -> MixtureParameters:
    """The mixture that the sums of `_expect` come from, where each component has `_OTHERS` codes more."""
    members = sums[:, 0]
    means = sums[:, 1 : latent_dim + 1] / np.maximum(members, np.finfo(np.float64).tiny)[:, np.newaxis]
    covariances = np.empty((len(members), latent_dim, latent_dim))
    rows, columns = np.triu_indices(latent_dim)
    covariances[:, rows, columns] = covariances[:, columns, rows] = sums[:, latent_dim + 1 :]
    covariances -= members[:, np.newaxis, np.newaxis] * means[:, :, np.newaxis] * means[:, np.newaxis]
    identity = np.eye(latent_dim)
    shared = covariances.sum(axis=0) / members.sum()
    covariances = (covariances + _OTHERS * shared) / (members + _OTHERS)[:, np.newaxis, np.newaxis] + _RIDGE * identity
    return MixtureParameters(members / members.sum(), means, np.linalg.cholesky(covariances))


def log_normalizers(parameters: MixtureParameters) -> Array:
    """The logarithm of each component's greatest density times its weight: [K]; minus infinity for a weight of 0."""
    log_determinants = np.log(np.diagonal(parameters.choleskys, axis1=1, axis2=2)).sum(axis=1)
    with np.errstate(divide="ignore"):
        log_weights = np.log(parameters.weights)
    return np.asarray(log_weights - log_determinants - 0.5 * parameters.means.shape[1] * math.log(2.0 * math.pi))


def _kept_blocks(values: Array) -> list[_Block]:
    """All blocks; none if they are too large to keep."""
    return list(_blocks(values)) if len(values) * _numbers(values.shape[1]) <= _KEPT_NUMBERS else []


def _blocks(values: Array) -> Iterator[_Block]:
    """phi of all codes, block by block. Single precision halves the time; the codes have variance 1."""
    latent_dim = values.shape[1]
    numbers = _numbers(latent_dim)
    size = max(1, _BLOCK_NUMBERS // numbers)
    for start in range(0, len(values), size):
        block = values[start : start + size].astype(np.float32)
        phi = np.empty((len(block), numbers), np.float32)
        phi[:, 0], phi[:, 1 : latent_dim + 1] = 1.0, block
        place = latent_dim + 1
        for first in range(latent_dim):
            np.multiply(block[:, first:], block[:, first : first + 1], out=phi[:, place : place + latent_dim - first])
            place += latent_dim - first
        yield slice(start, start + size), phi


def _numbers(latent_dim: int) -> int:
    """F, the numbers of phi of a code."""
    return 1 + latent_dim + latent_dim * (latent_dim + 1) // 2
