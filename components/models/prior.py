"""Priors p(z): distributions from which new codes are drawn, and by which codes are judged.

Training pulls the codes of a VAE towards N(0, I). When it ends, they still fill only a part of it. A distribution that is
fitted to the codes afterwards describes them in fewer nats, and its samples are where images have their codes: ex-post density
estimation (Ghosh et al., 2020, "From Variational to Deterministic Autoencoders"). An autoencoder has no prior in training.

To add a prior: write a class with the methods of `Prior`, name it in `config.PriorKind`, and return it from `fit_prior`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, assert_never

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from components.models.config import ModelConfig, PriorKind
from components.models.mixture import GaussianMixture, fit_mixture


class Prior(Protocol):
    """A distribution over codes. Its variables, if it has any, are those of a `tf.Module`."""

    def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
        """Codes drawn from the prior: float32 [N, L].

        Args:
          noise: float32 [N, L], drawn from the standard normal.
          choice: float32 [N], drawn from the uniform distribution on [0, 1).
        """

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """log p(z) in nats, float32 [...] for codes [..., L]."""


class StandardNormal:
    """N(0, I)."""

    def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        del choice
        return noise

    def log_density(self, codes: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return log_standard_normal(codes)


STANDARD_NORMAL = StandardNormal()
"""The prior of training."""


def log_standard_normal(values: tf.Tensor) -> tf.Tensor:
    """Log-density of the standard normal, summed over the last axis."""
    return -0.5 * tf.reduce_sum(tf.square(values) + math.log(2.0 * math.pi), axis=-1)


def fit_prior(config: ModelConfig, training_codes: Callable[[], ArrayLike], seed: int) -> Prior:
    """The prior that the configuration names.

    Args:
      config: Of the model.
      training_codes: Returns codes of training images, [N, L]; for a VAE drawn from their posteriors. Called only if needed.
      seed: Fixes the fit.
    """
    match config.resolved_prior:
        case PriorKind.STANDARD_NORMAL:
            return STANDARD_NORMAL
        case PriorKind.GAUSSIAN:
            return GaussianMixture(fit_mixture(training_codes(), 1, seed))
        case PriorKind.MIXTURE:
            return GaussianMixture(fit_mixture(training_codes(), config.prior_components, seed))
        case _:
            assert_never(config.resolved_prior)


class GaussianFit(NamedTuple):
    """A Gaussian with a full covariance."""

    mean: NDArray[np.float32]
    """[L]."""

    cholesky: NDArray[np.float32]
    """[L, L], lower triangular; times its transpose it is the covariance."""


def fit_gaussian(codes: ArrayLike) -> GaussianFit:
    """The Gaussian of greatest likelihood.

    Its covariance may be singular: constant or dependent dimensions, or fewer codes than dimensions. The factor comes from a
    QR decomposition of the centred codes, X = QR, X'X = R'R, which needs neither the covariance nor a jitter on its diagonal.

    Args:
      codes: [N, L], at least one.

    Raises:
      ValueError: the codes are not a matrix, there are none, or one is not finite.
    """
    values = np.asarray(codes, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"A Gaussian is fitted to a matrix of codes with at least one row, not to the shape {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("A Gaussian cannot be fitted to codes that are NaN or infinite.")
    count, latent_dim = values.shape
    mean = values.mean(axis=0)
    upper = np.linalg.qr((values - mean) / np.sqrt(count)).R
    cholesky = np.zeros((latent_dim, latent_dim))
    # Which sign a row has is open; a Cholesky factor's diagonal is positive.
    cholesky[:, : len(upper)] = np.where(np.diag(upper) < 0, -1.0, 1.0) * upper.T
    return GaussianFit(mean.astype(np.float32), cholesky.astype(np.float32))
