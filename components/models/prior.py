"""Priors: distributions from which new codes are drawn."""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray


class Prior(Protocol):
    """A distribution over codes."""

    def sample(self, noise: tf.Tensor) -> tf.Tensor:
        """Codes drawn from the prior: float32 [N, L].

        Args:
          noise: float32 [N, L], drawn from the standard normal.
        """


class StandardNormal:
    """N(0, I)."""

    def sample(self, noise: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return noise


class GaussianFit(NamedTuple):
    """A Gaussian with a full covariance."""

    mean: NDArray[np.float32]
    """[L]."""

    cholesky: NDArray[np.float32]
    """[L, L], lower triangular; times its transpose it is the covariance."""

    def sample(self, noise: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return self.mean + tf.linalg.matmul(noise, self.cholesky, transpose_b=True)


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
