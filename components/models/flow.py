"""A normalizing flow: an invertible function from codes to standard normal noise, fitted to codes by maximum likelihood.

It is made of affine coupling layers (Dinh et al., 2017, "Density estimation using Real NVP"). Each keeps one half of the
numbers, and scales and shifts the other half by what a small network makes of the first; so both directions, and the logarithm
of the determinant of the Jacobian matrix, cost one call of the network:

    log p(z)  =  log N(f(z); 0, I)  +  log |det df/dz|

The first layer is linear, and removes the mean and the covariance of the codes.
"""

import itertools
import math
from typing import Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from components.models.mixture import fit_mixture

_LAYERS: Final = 6
_UNITS: Final = 64
_LARGEST_LOG_SCALE: Final = 1.5
"""Of one layer: an unbounded scale can overflow far from all codes."""

_NOISE: Final = 0.03
"""Standard deviation of noise on codes of variance 1 in training: the density of repeated or flat codes would be infinite."""

_BATCH: Final = 256
_STEPS: Final = 2000
_LEARNING_RATE: Final = 2e-3
_CHECKS: Final = 10
"""Times that the codes held out are looked at; the best flow is kept."""

_HELD_OUT: Final = 0.1
_MOST_HELD_OUT: Final = 5000


class CouplingLayer(tf.Module):
    """Scales and shifts the last numbers of a permuted code, by an amount that depends on the first ones."""

    def __init__(self, order: NDArray[np.int64], random: np.random.Generator) -> None:
        """The permutation alone, at first.

        Args:
          order: The permutation, [L].
          random: Draws the weights of the network.
        """
        super().__init__()
        self._order, self._inverse_order = order, np.argsort(order)
        self._kept = len(order) // 2
        self._changed = len(order) - self._kept
        sizes = (self._kept, _UNITS, _UNITS, 2 * self._changed)
        scales = [*(1.0 / math.sqrt(max(1, size)) for size in sizes[:-2]), 0.0]
        self._kernels = [
            tf.Variable((scale * random.normal(size=shape)).astype(np.float32))
            for scale, shape in zip(scales, itertools.pairwise(sizes), strict=True)
        ]
        self._biases = [tf.Variable(tf.zeros(size)) for size in sizes[1:]]

    def to_noise(self, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """[N, L] towards the noise, and the logarithm of the volume's growth, [N]."""
        kept, changed = tf.split(tf.gather(values, self._order, axis=1), [self._kept, self._changed], axis=1)
        log_scale, shift = self._scale_and_shift(kept)
        return tf.concat([kept, (changed - shift) * tf.exp(-log_scale)], axis=1), -tf.reduce_sum(log_scale, axis=1)

    def from_noise(self, values: tf.Tensor) -> tf.Tensor:
        """The inverse of `to_noise`."""
        kept, changed = tf.split(values, [self._kept, self._changed], axis=1)
        log_scale, shift = self._scale_and_shift(kept)
        return tf.gather(tf.concat([kept, changed * tf.exp(log_scale) + shift], axis=1), self._inverse_order, axis=1)

    def _scale_and_shift(self, kept: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = kept
        for kernel, bias in zip(self._kernels[:-1], self._biases[:-1], strict=True):
            hidden = tf.nn.silu(tf.matmul(hidden, kernel) + bias)
        raw, shift = tf.split(tf.matmul(hidden, self._kernels[-1]) + self._biases[-1], 2, axis=1)
        return _LARGEST_LOG_SCALE * tf.tanh(raw / _LARGEST_LOG_SCALE), shift


class CouplingFlow(tf.Module):
    """A flow as a prior. It starts as the Gaussian of its linear layer."""

    def __init__(self, mean: ArrayLike, cholesky: ArrayLike, seed: int, name: str = "flow") -> None:
        """Makes the variables.

        Args:
          mean: [L].
          cholesky: [L, L], lower triangular; times its transpose the covariance.
          seed: Fixes the permutations, and the weights at the start.
        """
        super().__init__(name=name)
        factor = np.asarray(cholesky, np.float64)
        self._mean = tf.Variable(np.asarray(mean, np.float32), trainable=False)
        self._cholesky = tf.Variable(factor.astype(np.float32), trainable=False)
        self._whitening = tf.Variable(np.linalg.inv(factor).astype(np.float32), trainable=False)
        # Of the density of the noise, and of the linear layer.
        constant = -np.log(np.diag(factor)).sum() - 0.5 * len(factor) * math.log(2.0 * math.pi)
        self._constant = tf.Variable(constant.astype(np.float32), trainable=False)
        random = np.random.default_rng(seed)
        # After a random permutation, the next layer changes what this one keeps.
        swap = np.roll(np.arange(len(factor)), len(factor) // 2)
        orders = (swap if number % 2 else random.permutation(len(factor)) for number in range(_LAYERS))
        self._layers = [CouplingLayer(order, random) for order in orders]

    def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
        """See `components.models.prior.Prior`."""
        del choice
        values = noise
        for layer in reversed(self._layers):
            values = layer.from_noise(values)
        return self._mean + tf.linalg.matvec(self._cholesky, values)

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """See `components.models.prior.Prior`."""
        values = tf.matmul(tf.reshape(codes, [-1, codes.shape[-1]]) - self._mean, self._whitening, transpose_b=True)
        log_density = tf.identity(self._constant)
        for layer in self._layers:
            values, log_growth = layer.to_noise(values)
            log_density = log_density + log_growth
        return tf.reshape(log_density - 0.5 * tf.reduce_sum(tf.square(values), axis=1), tf.shape(codes)[:-1])


def fit_flow(codes: ArrayLike, seed: int) -> CouplingFlow:
    """The flow that describes codes that it is not fitted to best, of all that a training passes; at worst a Gaussian.

    Any codes will do: constant or dependent dimensions, duplicates, or few of them.

    Args:
      codes: [N, L], at least one.
      seed: Fixes the result, bit for bit on one machine.

    Raises:
      ValueError: the codes are not a matrix, there are none, or one is not finite.
    """
    gaussian = fit_mixture(codes, 1, seed)
    flow = CouplingFlow(gaussian.means[0], gaussian.choleskys[0], seed)
    random = np.random.default_rng(seed)
    values = random.permutation(np.asarray(codes, np.float32))
    held_out = min(_MOST_HELD_OUT, int(_HELD_OUT * len(values)))
    if not held_out:
        return flow
    others, values = tf.constant(values[:held_out]), values[held_out:]
    deviation = np.maximum(values.std(axis=0), np.diag(gaussian.choleskys[0])).astype(np.float32)
    fewest, best = math.inf, [variable.numpy() for variable in flow.trainable_variables]
    schedule = keras.optimizers.schedules.CosineDecay(0.0, _STEPS, warmup_target=_LEARNING_RATE, warmup_steps=_STEPS // 20)
    optimizer = keras.optimizers.Adam(schedule, beta_2=0.99, global_clipnorm=10.0)
    optimizer.build(flow.trainable_variables)

    @tf.function(reduce_retracing=True)
    def train(batches: tf.Tensor) -> None:
        for batch in batches:
            with tf.GradientTape() as tape:
                nats = -tf.reduce_mean(flow.log_density(batch))
            optimizer.apply(tape.gradient(nats, flow.trainable_variables), flow.trainable_variables)

    judge = tf.function(flow.log_density)
    for check in range(_CHECKS + 1):
        if check:
            chosen = values[random.integers(len(values), size=(_STEPS // _CHECKS, _BATCH))]
            train(chosen + _NOISE * deviation * random.normal(size=chosen.shape).astype(np.float32))
        nats = -float(tf.reduce_mean(judge(others)))
        if nats < fewest:
            fewest, best = nats, [variable.numpy() for variable in flow.trainable_variables]
    for variable, value in zip(flow.trainable_variables, best, strict=True):
        variable.assign(value)
    return flow
