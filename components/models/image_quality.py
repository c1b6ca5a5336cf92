"""How good images are: a reconstruction beside its original, and a set of samples beside a set of images."""

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

_WINDOW = 11


def structural_similarity(pixels: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """The mean structural similarity (SSIM) of each pair of images.

    Wang et al., 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", equation 13. Means,
    variances and the covariance are taken in Gaussian windows of 11 by 11 pixels, or smaller ones for smaller images:

        SSIM = (2 m_x m_y + c_1) (2 s_xy + c_2) / ((m_x^2 + m_y^2 + c_1) (s_x^2 + s_y^2 + c_2))

    Args:
      pixels: float32 [N, height, width, channels] in [0, 1].
      images: of the same shape and range.

    Returns:
      float32 [N], without unit: at most 1, which means equal images.
    """
    smallest_side = min(pixels.shape[1:3])
    # An even window has no centre.
    window = min(_WINDOW, smallest_side - 1 + smallest_side % 2)
    return tf.image.ssim(pixels, images, max_val=1.0, filter_size=window)


def frechet_distance(one: ArrayLike, other: ArrayLike) -> float:
    """The squared Fréchet distance between Gaussians fitted to two sets of features of images.

    Heusel et al., 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", equation 6:

        |m_1 - m_2|^2 + trace(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    It depends on the classifier that computes the features. It also depends on the number of images, for it is biased upwards
    by about 1/N. Compare values only if both are the same.

    Args:
      one: [N, F], at least two rows.
      other: [M, F], at least two rows.

    Returns:
      In squared units of the features: 0 for equal sets; not negative, except by rounding.
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
