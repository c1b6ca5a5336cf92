"""A map of the latent space of a trained model, small enough to travel with it.

It is the plane in which the codes of the eval split vary most, where they lie in it, which dimensions carry the most, and how
the images score: what the page of `tfx-vae serve` shows a drawing beside. TensorFlow Serving ignores it.
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
# Of what is written: far below what a screen shows, and above what another machine rounds differently.
_SIGNIFICANT_DIGITS: Final = 4


class LatentDimension(Section):
    """What one dimension of the codes is, over the images of the map."""

    index: int
    mean: float
    standard_deviation: float
    kl_divergence: float | None
    """Nats per image, its mean; None for an autoencoder."""


class LatentMap(Section):
    """The codes of some images of the eval split."""

    mean: tuple[float, ...]
    """Of the codes, [L]: the map's origin."""

    components: tuple[tuple[float, ...], tuple[float, ...]]
    """The two principal directions, unit vectors [L]; the entry of largest size is positive. Zeros where there is none."""

    explained_variance: tuple[float, float]
    """Each one's share of the variance over all dimensions, in [0, 1]."""

    points: tuple[tuple[float, float], ...]
    """Where the codes lie, [N, 2]."""

    labels: tuple[int, ...] | None
    """Of the images, [N]; None where the data has none."""

    dimensions: tuple[LatentDimension, ...]
    """All L: a VAE's by KL divergence, an autoencoder's by variance, the largest first."""

    score_percentiles: tuple[float, ...]
    """Percentiles 0 to 100 of the negative ELBO of the images, nats per image."""


def draw_map(
    codes: NDArray[np.float32], kl_divergence: NDArray[np.float32] | None, scores: ArrayLike, labels: ArrayLike | None
) -> LatentMap:
    """Makes a map of codes.

    Args:
      codes: Posterior means, [N, L], N > 0.
      kl_divergence: Nats of each dimension, [N, L]; None for an autoencoder.
      scores: Negative ELBO, nats per image, [N].
      labels: int [N], or None.
    """
    values = codes.astype(np.float64)
    mean = values.mean(axis=0)
    components, shares = _principal_components(values - mean)
    return LatentMap(
        mean=_rounded(mean),
        components=(_rounded(components[0]), _rounded(components[1])),
        explained_variance=(round(shares[0], _SIGNIFICANT_DIGITS), round(shares[1], _SIGNIFICANT_DIGITS)),
        points=tuple((_round(x), _round(y)) for x, y in (values - mean) @ components.T),
        labels=None if labels is None else tuple(np.asarray(labels).tolist()),
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


def _principal_components(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Two directions [2, L] and the share of variance along each (Pearson, 1901), by a singular value decomposition."""
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    found = min(2, int((sizes > sizes[0] * 1e-6).sum()))
    components, shares = np.zeros((2, centred.shape[1])), np.zeros(2)
    for axis, direction in enumerate(directions[:found]):
        # A direction and its opposite are the same component: without a rule every machine might choose another one.
        components[axis] = direction * np.sign(direction[np.abs(direction).argmax()])
        shares[axis] = sizes[axis] ** 2 / (sizes**2).sum()
    return components, (float(shares[0]), float(shares[1]))


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
