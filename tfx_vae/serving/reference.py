"""The distance of an image from reference images, in several statistics of a model at once."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.artifacts.features import KL_DIVERGENCE, RECONSTRUCTION_LOSS, SQUARED_ERROR, SSIM
from components.errors import ConfigurationError

Values = NDArray[np.float64]

STATISTICS: Final = (RECONSTRUCTION_LOSS, KL_DIVERGENCE, SQUARED_ERROR, SSIM)
"""Outputs of the `evaluate` signature."""

FEWEST: Final = 30

# Smaller eigenvalues are rounding errors: the images do not differ in that direction.
_SMALLEST_CORRELATION: Final = 1e-10


class Reference:
    """A normal distribution of the statistics of reference images.

    An unusual image can have a low score: a black one is easy to reconstruct. But then another statistic is unusual, such as
    its KL divergence or the SSIM of its reconstruction. After Morningstar et al., 2021, "Density of States Estimation for
    Out-of-Distribution Detection", with a normal density.
    """

    def __init__(self, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Fits it.

        Args:
          outputs: Of the `evaluate` signature for the reference images, float32 [N] by name.

        Raises:
          ConfigurationError: There are too few images.
        """
        values = _stacked(outputs)
        if len(values) < FEWEST:
            raise ConfigurationError(f"--reference needs {FEWEST} images or more, not {len(values)}.")
        self._mean, deviation = values.mean(axis=0), values.std(axis=0)
        # An autoencoder's KL divergence is always 0.
        self._scale = np.where(deviation > 0, deviation, 1.0)
        correlation = np.cov((values - self._mean) / self._scale, rowvar=False)
        self._inverse = np.linalg.pinv(correlation, rcond=_SMALLEST_CORRELATION, hermitian=True)
        self._distances = np.sort(self.distance(outputs))

    def distance(self, outputs: Mapping[str, NDArray[Any]]) -> Values:
        """The Mahalanobis distance of images from the reference images, [N]: 2 is about usual for 4 statistics."""
        centred = (_stacked(outputs) - self._mean) / self._scale
        return np.sqrt(np.einsum("ni,ij,nj->n", centred, self._inverse, centred))

    def share_beyond(self, distance: Values) -> Values:
        """Which share of the reference images is at least as far, in [0, 1]."""
        return 1.0 - np.searchsorted(self._distances, distance, side="left") / len(self._distances)


def _stacked(outputs: Mapping[str, NDArray[Any]]) -> Values:
    return np.stack([np.asarray(outputs[name], np.float64) for name in STATISTICS], axis=1)
