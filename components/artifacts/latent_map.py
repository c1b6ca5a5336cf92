"""The latent map: a small description of the latent space of a trained model, in its SavedModel's directory.

It has a plane through the codes of the eval split, the positions of the codes in this plane, the dimensions by importance, and
the distribution of the scores. The page of `tfx-vae serve` shows it; TensorFlow Serving ignores it.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from components.errors import DataError
from components.settings import Section

LATENT_MAP_FILE: Final = "assets.extra/latent_map.json"
"""In the SavedModel's directory."""

PRIOR_PROBABILITIES: Final = (0.00135, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.99865)
"""Of `LatentDimension.prior_quantiles`; the first and the last are three standard deviations of a Gaussian from its mean."""

_PERCENTS: Final = 101
# More different labels are hardly classes, and do not fit into a legend.
_MOST_LABELS: Final = 50
# More than a screen shows, and few enough that two machines round to the same number.
_SIGNIFICANT_DIGITS: Final = 4
# 2,000 codes of 32 dimensions, half a megabyte of text.
_MOST_NUMBERS: Final = 64_000


class LatentDimension(Section):
    """One dimension of the codes, over the images of the map."""

    index: int
    mean: float
    standard_deviation: float
    kl_divergence: float | None
    """Mean, in nats per image; None for an autoencoder."""

    prior_quantiles: tuple[float, ...] | None = None
    """Quantiles of the prior in this dimension, at `PRIOR_PROBABILITIES`; None in models of earlier versions."""


class LabelCenter(Section):
    """The position of the images with one label."""

    label: int
    mean: tuple[float, ...]
    """Mean of their codes, [L]."""


class LatentMap(Section):
    """The codes of some images of the eval split."""

    mean: tuple[float, ...]
    """Mean of the codes, [L]: the origin of the map."""

    components: tuple[tuple[float, ...], tuple[float, ...]]
    """Two orthogonal unit vectors [L], whose largest entry by absolute value is positive; zeros if there is no direction.

    With labels, these are the directions in which the mean codes of the labels differ most; if there are fewer than two, or no
    labels, those in which the codes differ most. The codes of a VAE vary almost equally in all directions, as its prior does:
    their principal components do not separate the labels.
    """

    explained_variance: tuple[float, float]
    """The part of the total variance in each direction, in [0, 1]."""

    points: tuple[tuple[float, float], ...]
    """Positions of the codes, [N, 2]."""

    codes: tuple[tuple[float, ...], ...] | None = None
    """The codes themselves, [N, L]; None if they are too long for a page, and in models of earlier versions."""

    labels: tuple[int, ...] | None
    """Labels of the images, [N]; None if there are none, or more than 50 different ones."""

    centers: tuple[LabelCenter, ...]
    """One for each label, in order; empty without labels."""

    dimensions: tuple[LatentDimension, ...]
    """All L, the largest first: of a VAE by KL divergence, of an autoencoder by variance."""

    score_percentiles: tuple[float, ...]
    """Percentiles 0 to 100 of the negative ELBO of the images, nats per image."""

    prior_coordinates: tuple[float, ...] | None = None
    """Percentiles 0 to 100 of the numbers in codes drawn from the prior, all dimensions together; None as above."""

    prior_lengths: tuple[float, ...] | None = None
    """The same of the lengths of these codes."""


def draw_map(
    codes: NDArray[np.float32],
    kl_divergence: NDArray[np.float32] | None,
    scores: ArrayLike,
    labels: NDArray[np.int64] | None,
    prior_codes: NDArray[np.float32],
) -> LatentMap:
    """Makes a map of codes.

    Args:
      codes: Posterior means, [N, L], N > 0.
      kl_divergence: Nats of each dimension, [N, L]; None for an autoencoder.
      scores: Negative ELBO, nats per image, [N].
      labels: [N], or None.
      prior_codes: Drawn from the prior of the model, [M, L].
    """
    if labels is not None and len(np.unique(labels)) > _MOST_LABELS:
        labels = None
    values = codes.astype(np.float64)
    mean = values.mean(axis=0)
    kinds, counts, centers = _centers(values, labels)
    components = _components(values - mean, np.sqrt(counts)[:, np.newaxis] * (centers - mean))
    points = (values - mean) @ components.T
    shares = points.var(axis=0) / (values.var(axis=0).sum() or 1.0)
    return LatentMap(
        mean=_rounded(mean),
        components=(_rounded(components[0]), _rounded(components[1])),
        explained_variance=(_round(shares[0]), _round(shares[1])),
        points=tuple((_round(x), _round(y)) for x, y in points),
        codes=tuple(map(_rounded, values)) if values.size <= _MOST_NUMBERS else None,
        labels=None if labels is None else tuple(labels.tolist()),
        centers=tuple(LabelCenter(label=int(kind), mean=_rounded(center)) for kind, center in zip(kinds, centers, strict=True)),
        dimensions=_dimensions(values, kl_divergence, prior_codes),
        score_percentiles=_percentiles(scores),
        prior_coordinates=_percentiles(prior_codes),
        prior_lengths=_percentiles(np.linalg.norm(prior_codes, axis=1)),
    )


def read_map(saved_model: Path) -> LatentMap | None:
    """Reads the map of a model; None if there is none, as in models of earlier versions.

    Args:
      saved_model: The directory of the SavedModel.

    Raises:
      DataError: The file cannot be read, or is not a map.
    """
    path = saved_model / LATENT_MAP_FILE
    try:
        return LatentMap.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise DataError(
            f"The latent map {path} cannot be read ({reason}): train and push again, or delete the file."
        ) from error


def _centers(
    codes: NDArray[np.float64], labels: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The different labels, the number of codes with each, and their means, [labels, L]."""
    if labels is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, codes.shape[1]))
    kinds, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(kinds), codes.shape[1]))
    np.add.at(sums, members, codes)
    return kinds, counts, sums / counts[:, np.newaxis]


def _components(codes: NDArray[np.float64], centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The directions of the plane, [2, L].

    Args:
      codes: Centred, [N, L].
      centers: Centred mean codes of the labels, each times the root of its number of images, [labels, L].
    """
    negligible = 1e-6 * float(np.linalg.norm(codes))
    found = _principal_directions(centers, negligible)[:2]
    rest = _principal_directions(codes - codes @ found.T @ found, negligible)
    components = np.concatenate([found, rest, np.zeros((2, codes.shape[1]))])[:2]
    # A direction and its opposite are equivalent; the rule makes all machines choose the same one.
    signs = [-1.0 if component[np.abs(component).argmax()] < 0 else 1.0 for component in components]
    return components * np.array(signs)[:, np.newaxis]


def _principal_directions(rows: NDArray[np.float64], negligible: float) -> NDArray[np.float64]:
    """The directions in which rows [N, L] differ from 0, the largest first (Pearson, 1901)."""
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    return directions[sizes > negligible]


def _dimensions(
    codes: NDArray[np.float64], kl_divergence: NDArray[np.float32] | None, prior_codes: NDArray[np.float32]
) -> tuple[LatentDimension, ...]:
    quantiles = np.quantile(prior_codes.astype(np.float64), PRIOR_PROBABILITIES, axis=0)
    means, deviations = codes.mean(axis=0), codes.std(axis=0)
    divergences = None if kl_divergence is None else kl_divergence.astype(np.float64).mean(axis=0)
    # Stable: of equal ones the lower index comes first.
    order = np.argsort(-(deviations if divergences is None else divergences), kind="stable")
    return tuple(
        LatentDimension(
            index=int(index),
            mean=_round(means[index]),
            standard_deviation=_round(deviations[index]),
            kl_divergence=None if divergences is None else _round(divergences[index]),
            prior_quantiles=_rounded(quantiles[:, index]),
        )
        for index in order
    )


def _percentiles(values: ArrayLike) -> tuple[float, ...]:
    return _rounded(np.percentile(np.asarray(values, np.float64), np.linspace(0, 100, _PERCENTS)))


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(_round(value) for value in values)


def _round(value: float) -> float:
    # Not -0.0, which would be another text.
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") + 0.0
