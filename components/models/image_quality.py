"""How good images are: a reconstruction beside its original, and a set of samples beside a set of images."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

_WINDOW = 11

_NEIGHBOURS = 5

# Distances that are computed together: 40 MB.
_DISTANCES_AT_ONCE = 5_000_000


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


class Neighbourhoods(NamedTuple):
    """What lies around each real image: in the ball whose radius is the distance of its fifth neighbour among real images."""

    covered: NDArray[np.float32]
    """1 if there is a sample, else 0; [N]. The mean is the coverage."""

    density: NDArray[np.float32]
    """The number of samples by the number expected if they were distributed as the real images are; [N]. The mean is the
    density."""


def neighbourhoods(real: ArrayLike, samples: ArrayLike) -> Neighbourhoods:
    """Density and coverage of samples (Naeem et al., 2020, "Reliable Fidelity and Diversity Metrics for Generative Models").

    Equations 6 and 7 for five neighbours, each before the mean over real images. Samples of the distribution of the real
    images have an expected density of 1 and an expected coverage of 1 - 1/2^5 = 0.969. A density near 0 says that samples lie
    where no image does, a low coverage that there are images that no sample resembles. As in the authors' code, a sample
    on the surface of a ball is outside.

    Args:
      real: Features of images, [N, F]. NaN comes back for five or fewer.
      samples: Features of samples, [M, F].
    """
    images, drawn, _ = _on_a_grid(real, samples)
    if len(images) <= _NEIGHBOURS:
        return Neighbourhoods(*np.full((2, len(images)), np.nan, np.float32))
    inside = np.zeros(len(images))
    for part in _parts(len(images), max(len(images), len(drawn))):
        # The nearest image to each is itself.
        radius = np.partition(_squared_distances(images[part], images), _NEIGHBOURS, axis=1)[:, _NEIGHBOURS, np.newaxis]
        inside[part] = np.count_nonzero(_squared_distances(images[part], drawn) < radius, axis=1)
    expected = _NEIGHBOURS * len(drawn) / len(images)
    return Neighbourhoods((inside > 0).astype(np.float32), (inside / expected).astype(np.float32))


class Nearest(NamedTuple):
    """For each of N images, the nearest one of another set."""

    place: NDArray[np.int64]
    distance: NDArray[np.float64]
    """In units of the features."""


def nearest(images: ArrayLike, others: ArrayLike) -> Nearest:
    """The first of the nearest others for each image; the distance of equal images is 0.

    Args:
      images: Features, [N, F].
      others: Features, [M, F], at least one.
    """
    few, many, unit = _on_a_grid(images, others)
    place, squared = np.zeros(len(few), np.int64), np.zeros(len(few))
    for part in _parts(len(few), len(many)):
        distances = _squared_distances(few[part], many)
        place[part], squared[part] = distances.argmin(axis=1), distances.min(axis=1)
    return Nearest(place, np.sqrt(squared) * unit)


def data_copying(samples: NDArray[np.float64], images: NDArray[np.float64]) -> float:
    """How often a sample is nearer to a training image than a held-out image is (Meehan et al., 2020, "A Non-Parametric Test to
    Detect Data-Copying in Generative Models": the statistic of Mann and Whitney).

    Args:
      samples: The distance of each sample from its nearest training image.
      images: That of each held-out image.

    Returns:
      The share of pairs of a sample and an image in which the sample is nearer, with ties as one half: 0.5 if samples are as
      held-out images are, 1 if they are copies, less if they are far from all images.
    """
    ordered = np.sort(images)
    # For each sample, twice the number of images that are farther, and once that of ties.
    farther = 2 * len(ordered) - np.searchsorted(ordered, samples, "left") - np.searchsorted(ordered, samples, "right")
    return int(farther.sum()) / (2 * len(ordered) * len(samples))


def _on_a_grid(one: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Features as whole numbers, so small that every squared distance is exact, in whatever order its terms are added.

    So neighbours do not depend on how a processor multiplies matrices, and equal images are at the distance 0. The unit, which
    is the third result, is at most a millionth of the largest feature.
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    largest = max(np.abs(first).max(initial=0.0), np.abs(second).max(initial=0.0))
    # The sum of F squares of at most twice the largest number must not be above 2^53.
    bits = (53 - math.ceil(math.log2(4 * first.shape[1]))) // 2
    unit = math.ldexp(1.0, math.frexp(largest)[1] - bits)
    return np.rint(first / unit), np.rint(second / unit), unit


def _squared_distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, F] and [M, F] of whole numbers to [N, M]."""
    # In place: a new matrix for each term takes as long as the product.
    distances = (-2.0 * one) @ other.T
    distances += (one**2).sum(axis=1)[:, np.newaxis]
    distances += (other**2).sum(axis=1)
    return distances


def _parts(count: int, others: int) -> Iterator[slice]:
    """Slices of `count` rows that, with so many columns, are small enough for the memory."""
    step = max(1, _DISTANCES_AT_ONCE // others)
    yield from (slice(start, start + step) for start in range(0, count, step))


def _symmetric_root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    eigenvalues, eigenvectors = np.linalg.eigh(matrix)
    return (eigenvectors * np.sqrt(np.maximum(eigenvalues, 0.0))) @ eigenvectors.T
