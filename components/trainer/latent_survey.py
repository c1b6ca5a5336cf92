"""Codes of a trained model: those that the prior is fitted to, and the map of the latent space."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.artifacts.features import LABEL
from components.artifacts.latent_map import LATENT_MAP_FILE, LatentMap, draw_map
from components.models.autoencoder import Autoencoder
from components.models.objectives import per_example_losses
from components.models.prior import Prior
from components.trainer.input_data import ImageSource, PixelScale

_IMAGES = 2000
_BATCH = 500
_PRIOR_CODES = 10_000
"""From which the quantiles of the prior come."""

_DRAWS = 2
"""Codes of an image that the prior is fitted to, if they are random."""

_MOST_CODES = 120_000
_MOST_NUMBERS = 2**24
"""In all codes: 64 MB."""


class DrawnCodes(NamedTuple):
    """Codes of images of a split."""

    values: NDArray[np.float32]
    """[N, L]."""

    images: NDArray[np.int64]
    """[N]: the place in the split of the image of each code."""


def draw_codes(model: Autoencoder, images: ImageSource, seed: int) -> DrawnCodes:
    """Codes that a prior can be fitted to: of a VAE two from the posterior of each image.

    There are at most 120,000, fewer if a code is long; if that is too few for all images, of images at even distances.

    Args:
      model: The model that is exported.
      images: The split.
      seed: Fixes the codes.
    """
    draws = _DRAWS if model.has_posterior else 1
    most = max(1, min(_MOST_CODES, _MOST_NUMBERS // model.latent_dim) // draws)
    codes, owners = [], []
    for number, (places, batch) in enumerate(spread(images, min(most, images.count))):
        posterior = model.encode(batch)
        noise = tf.random.stateless_normal((draws, *posterior.mean.shape), (seed, number))
        codes.append(tf.reshape(model.sample_code(posterior, noise), [-1, model.latent_dim]).numpy())
        owners.append(np.tile(places, draws))
    return DrawnCodes(np.concatenate(codes), np.concatenate(owners))


def pseudo_inputs(images: ImageSource, count: int) -> tf.Tensor:
    """Images at even distances in a split, with which pseudo-inputs start: [count, height, width, channels].

    Some are repeated if there are fewer.
    """
    return tf.concat([batch for _, batch in spread(images, count)], axis=0)


def spread(images: ImageSource, count: int) -> Iterator[tuple[NDArray[np.int64], tf.Tensor]]:
    """Images at even distances in a split, in batches with their places in the split."""
    chosen = np.arange(count) * images.count // count
    for number, batch in enumerate(images.in_order(_BATCH)):
        places = chosen[chosen // _BATCH == number]
        if len(places):
            yield places, tf.gather(batch, places % _BATCH)


def survey(
    model: Autoencoder,
    images: ImageSource,
    scale: PixelScale,
    labels: NDArray[np.int64] | None,
    seed: int,
    prior: Prior,
) -> LatentMap:
    """Maps the codes of up to 2,000 images at even distances in the split.

    Args:
      model: The model that is exported.
      images: The split.
      scale: The relation of normalised pixels to pixels in [0, 1].
      labels: Labels of all images, in their order; None if there are none.
      seed: Fixes the codes from which the scores are estimated.
      prior: Of the model.
    """
    count = min(_IMAGES, images.count)
    chosen = np.arange(count) * images.count // count
    codes, divergences, scores = [], [], []
    for number, (_, normalized) in enumerate(spread(images, count)):
        posterior = model.encode(normalized)
        noise = tf.random.stateless_normal(tf.shape(posterior.mean), (seed, number))
        codes.append(posterior.mean.numpy())
        divergences.append(model.kl_divergence(posterior).numpy())
        losses = per_example_losses(model, normalized, scale.denormalize(normalized), noise, prior=prior)
        scores.append(losses.negative_elbo.numpy())
    return draw_map(
        np.concatenate(codes),
        np.concatenate(divergences) if model.has_posterior else None,
        np.concatenate(scores),
        None if labels is None else labels[chosen],
        prior.sample(
            tf.random.stateless_normal((_PRIOR_CODES, model.latent_dim), (seed, 0)),
            tf.random.stateless_uniform((_PRIOR_CODES,), (seed, 1)),
        ).numpy(),
    )


def read_labels(patterns: Sequence[str], transform_graph: tft.TFTransformOutput) -> NDArray[np.int64] | None:
    """The labels of transformed examples, in the order of `open_images`; None if they have none.

    Args:
      patterns: Patterns of the names of GZIP TFRecord files with transformed examples.
      transform_graph: Describes the features of the examples.
    """
    specification = transform_graph.transformed_feature_spec()
    if LABEL not in specification:
        return None
    files = sorted(tf.io.gfile.glob(list(patterns)))
    labels = (
        tf.data.TFRecordDataset(files, compression_type="GZIP")
        .batch(_BATCH)
        .map(lambda records: tf.io.parse_example(records, {LABEL: specification[LABEL]})[LABEL])
    )
    return np.concatenate([batch.numpy() for batch in labels])


def write_map(drawn: LatentMap, saved_model: str) -> None:
    """Writes a map into a SavedModel's directory."""
    path = f"{saved_model.rstrip('/')}/{LATENT_MAP_FILE}"
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(drawn.model_dump_json())
