"""How much of the latent space a model uses."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

ACTIVE_VARIANCE = 0.01
"""Burda et al., 2016, "Importance Weighted Autoencoders", section 5.2: a unit is active if the variance over the data of its
posterior mean is above this."""


class LatentMoments(NamedTuple):
    """Sums over images, from which the statistics of any number of batches follow; each float64 [L]."""

    images: int
    mean: NDArray[np.float64]
    """Sum of the posterior means."""

    squared_mean: NDArray[np.float64]
    """Sum of their squares."""

    kl_divergence: NDArray[np.float64]
    """Sum of the KL divergences, in nats."""

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
        """The sums over both."""
        return LatentMoments(
            self.images + other.images,
            self.mean + other.mean,
            self.squared_mean + other.squared_mean,
            self.kl_divergence + other.kl_divergence,
        )

    def kl_per_dimension(self) -> NDArray[np.float64]:
        """Mean KL divergence of each dimension in nats per image, [L]."""
        return self.kl_divergence / self.images

    def active_units(self) -> int:
        """How many dimensions have a posterior mean that varies with the image."""
        variance = self.squared_mean / self.images - (self.mean / self.images) ** 2
        return int((variance > ACTIVE_VARIANCE).sum())
