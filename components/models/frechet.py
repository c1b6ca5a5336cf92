"""The distance between two sets of images, by the features that a classifier sees in them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def frechet_distance(one: ArrayLike, other: ArrayLike) -> float:
    """The squared Fréchet distance between Gaussians fitted to two sets of features.

    Heusel et al., 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", equation 6:

        |m_1 - m_2|^2 + trace(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    It depends on the classifier and, being biased upwards by about 1/N, on the number of images: figures compare only where
    both are the same.

    Args:
      one: [N, F], at least two.
      other: [M, F], at least two.

    Returns:
      In squared units of the features, 0 for the same sets, never negative but for rounding.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    difference = first.mean(axis=0) - second.mean(axis=0)
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    # (C_1 C_2)^(1/2) has the trace of (A C_2 A)^(1/2) with A = C_1^(1/2), which is symmetric: all roots are real.
    root = _symmetric_root(covariances[0])
    eigenvalues = np.linalg.eigvalsh(root @ covariances[1] @ root)
    trace_of_root = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    return float(difference @ difference + np.trace(covariances[0]) + np.trace(covariances[1]) - 2.0 * trace_of_root)


def _symmetric_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    eigenvalues, eigenvectors = np.linalg.eigh(matrix)
    return (eigenvectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ eigenvectors.T
