"""Priors p(z): distributions from which new codes are drawn, and by which codes are judged.

Training pulls the codes of a VAE towards N(0, I). When it ends, they still fill only a part of it. A distribution that is
fitted to the codes afterwards describes them in fewer nats, and its samples are where images have their codes: ex-post density
estimation (Ghosh et al., 2020, "From Variational to Deterministic Autoencoders"). An autoencoder has no prior in training.
A `VampPrior` is learned in training instead, with the model.

To add a prior: write a class with the methods of `Prior`, name it in `config.PriorKind`, and return it from `fit_prior`.
"""

import math
from collections.abc import Callable
from typing import Protocol, assert_never

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from components.models.config import ModelConfig, PriorKind
from components.models.flow import fit_flow
from components.models.mixture import GaussianMixture, MixtureParameters, fit_mixture


class Density(Protocol):
    """What a code is judged by."""

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """log p(z) in nats, float32 [...] for codes [..., L]."""


class Prior(Density, Protocol):
    """A distribution over codes. Its variables, if it has any, are those of a `tf.Module`."""

    def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
        """Codes drawn from the prior: float32 [N, L].

        Args:
          noise: float32 [N, L], drawn from the standard normal.
          choice: float32 [N], drawn from the uniform distribution on [0, 1).
        """


class TrainingPrior(Density, Protocol):
    """The prior of a model while it is trained."""

    def finished(self) -> Prior:
        """The same distribution, which no longer depends on the model's weights."""


class StandardNormal:
    """N(0, I)."""

    def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        del choice
        return noise

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return log_standard_normal(codes)

    def finished(self) -> Prior:
        """See `TrainingPrior`."""
        return self


STANDARD_NORMAL = StandardNormal()
"""The prior of training, unless the model has another."""


class VampPrior:
    """The mean of the posteriors of pseudo-inputs: Tomczak & Welling, 2018, "VAE with a VampPrior".

    With each image as a pseudo-input it would be the aggregate posterior, the prior of the greatest ELBO. Some learned ones
    cost less, and describe other images better.
    """

    def __init__(self, mean: tf.Tensor, log_variance: tf.Tensor) -> None:
        """Takes the posteriors of K pseudo-inputs, both float32 [K, L]."""
        self._mean, self._log_variance = mean, log_variance

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """See `Density`."""
        whitened = (codes[..., tf.newaxis, :] - self._mean) * tf.exp(-0.5 * self._log_variance)
        log_densities = log_standard_normal(whitened) - 0.5 * tf.reduce_sum(self._log_variance, axis=-1)
        return tf.reduce_logsumexp(log_densities, axis=-1) - math.log(self._mean.shape[0])

    def finished(self) -> Prior:
        """See `TrainingPrior`; called outside a graph."""
        count, latent_dim = self._mean.shape
        deviation = np.exp(0.5 * self._log_variance.numpy().astype(np.float64))
        choleskys = deviation[:, np.newaxis] * np.eye(latent_dim)
        return GaussianMixture(MixtureParameters(np.full(count, 1.0 / count), self._mean.numpy(), choleskys))


def log_standard_normal(values: tf.Tensor) -> tf.Tensor:
    """Log-density of the standard normal, summed over the last axis."""
    return -0.5 * tf.reduce_sum(tf.square(values) + math.log(2.0 * math.pi), axis=-1)


def fit_prior(
    config: ModelConfig, training_codes: Callable[[], ArrayLike], seed: int, trained: TrainingPrior = STANDARD_NORMAL
) -> Prior:
    """The prior that the configuration names.

    Args:
      config: Of the model.
      training_codes: Returns codes of training images, [N, L]; for a VAE drawn from their posteriors. Called only if needed.
      seed: Fixes the fit.
      trained: The prior of the training.
    """
    match config.resolved_prior:
        case PriorKind.STANDARD_NORMAL | PriorKind.VAMP:
            return trained.finished()
        case PriorKind.GAUSSIAN:
            return GaussianMixture(fit_mixture(training_codes(), 1, seed))
        case PriorKind.MIXTURE:
            return GaussianMixture(fit_mixture(training_codes(), config.prior_components, seed))
        case PriorKind.FLOW:
            return fit_flow(training_codes(), seed)
        case _:
            assert_never(config.resolved_prior)
