"""A map of the latent space of a trained model, small enough to travel with it.

It is a plane through the codes of the eval split, where they lie in it, which dimensions carry the most, and how the images
score: what the page of `tfx-vae serve` shows a drawing beside. TensorFlow Serving ignores it.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from components.errors import DataError
from components.settings import Section

LATENT_MAP_FILE: Final = "assets.extra/latent_map.json"
"""Within the SavedModel's directory."""

_PERCENTS: Final = 101
# More labels than a legend can hold are numbers of something else.
_MOST_LABELS: Final = 50
# Of what is written: far below what a screen shows, and above what another machine rounds differently.
_SIGNIFICANT_DIGITS: Final = 4


class LatentDimension(Section):
    """What one dimension of the codes is, over the images of the map."""

    index: int
    mean: float
    standard_deviation: float
    kl_divergence: float | None
    """Nats per image, its mean; None for an autoencoder."""


class LabelCenter(Section):
    """Where the images of a label are."""

    label: int
    mean: tuple[float, ...]
    """Of their codes, [L]."""


class LatentMap(Section):
    """The codes of some images of the eval split."""

    mean: tuple[float, ...]
    """Of the codes, [L]: the map's origin."""

    components: tuple[tuple[float, ...], tuple[float, ...]]
    """Two orthogonal directions, unit vectors [L] whose entry of largest size is positive; zeros where there is none.

    Where there are labels, those along which the mean codes of the labels differ most; then, or without labels, those along
    which the codes do. The codes of a VAE are spread almost evenly in all directions, as its prior is: their own principal
    components are hardly more than any two directions, and show no label apart from another.
    """

    explained_variance: tuple[float, float]
    """Each one's share of the variance over all dimensions, in [0, 1]."""

    points: tuple[tuple[float, float], ...]
    """Where the codes lie, [N, 2]."""

    labels: tuple[int, ...] | None
    """Of the images, [N]; None where the data has none, or more than 50 different ones."""

    centers: tuple[LabelCenter, ...]
    """Of each label, in their order; none where there are no labels."""

    dimensions: tuple[LatentDimension, ...]
    """All L: a VAE's by KL divergence, an autoencoder's by variance, the largest first."""

    score_percentiles: tuple[float, ...]
    """Percentiles 0 to 100 of the negative ELBO of the images, nats per image."""


def draw_map(
    codes: NDArray[np.float32],
    kl_divergence: NDArray[np.float32] | None,
    scores: ArrayLike,
    labels: NDArray[np.int64] | None,
) -> LatentMap:
    """Makes a map of codes.

    Args:
      codes: Posterior means, [N, L], N > 0.
      kl_divergence: Nats of each dimension, [N, L]; None for an autoencoder.
      scores: Negative ELBO, nats per image, [N].
      labels: [N], or None.
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
        labels=None if labels is None else tuple(labels.tolist()),
        centers=tuple(LabelCenter(label=int(kind), mean=_rounded(center)) for kind, center in zip(kinds, centers, strict=True)),
        dimensions=_dimensions(values, kl_divergence),
        score_percentiles=_rounded(np.percentile(np.asarray(scores, np.float64), np.linspace(0, 100, _PERCENTS))),
    )


def read_map(saved_model: Path) -> LatentMap | None:
    """The map that lies with a model; None if there is none, as with models exported before there were maps.

    Args:
      saved_model: The model's directory.

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
    """The different labels, how many codes have each, and the mean of those, [labels, L]."""
    if labels is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, codes.shape[1]))
    kinds, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(kinds), codes.shape[1]))
    np.add.at(sums, members, codes)
    return kinds, counts, sums / counts[:, np.newaxis]


def _components(codes: NDArray[np.float64], centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plane's directions, [2, L].

    Args:
      codes: Centred, [N, L].
      centers: Mean codes of labels, centred, each times the root of how many images it is the mean of, [labels, L].
    """
    negligible = 1e-6 * float(np.linalg.norm(codes))
    found = _principal_directions(centers, negligible)[:2]
    rest = _principal_directions(codes - codes @ found.T @ found, negligible)
    components = np.concatenate([found, rest, np.zeros((2, codes.shape[1]))])[:2]
    # A direction and its opposite are the same: without a rule every machine might choose another one.
    signs = [-1.0 if component[np.abs(component).argmax()] < 0 else 1.0 for component in components]
    return components * np.array(signs)[:, np.newaxis]


def _principal_directions(rows: NDArray[np.float64], negligible: float) -> NDArray[np.float64]:
    """The directions in which rows [N, L] differ from 0, the one with most first (Pearson, 1901)."""
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    return directions[sizes > negligible]


def _dimensions(codes: NDArray[np.float64], kl_divergence: NDArray[np.float32] | None) -> tuple[LatentDimension, ...]:
    means, deviations = codes.mean(axis=0), codes.std(axis=0)
    divergences = None if kl_divergence is None else kl_divergence.astype(np.float64).mean(axis=0)
    # Stable: of equals the one with the lower index first.
    order = np.argsort(-(deviations if divergences is None else divergences), kind="stable")
    return tuple(
        LatentDimension(
            index=int(index),
            mean=_round(means[index]),
            standard_deviation=_round(deviations[index]),
            kl_divergence=None if divergences is None else _round(divergences[index]),
        )
        for index in order
    )


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(_round(value) for value in values)


def _round(value: float) -> float:
    # Minus zero would be another file than zero.
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") + 0.0
