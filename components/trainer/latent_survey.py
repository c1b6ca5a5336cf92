"""The map of the latent space of a trained model, from images of the eval split."""

from collections.abc import Sequence

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
      prior: Of the model, for the scores.
    """
    count = min(_IMAGES, images.count)
    chosen = np.arange(count) * images.count // count
    codes, divergences, scores = [], [], []
    for number, batch in enumerate(images.in_order(_BATCH)):
        places = chosen[chosen // _BATCH == number] % _BATCH
        if not len(places):
            continue
        normalized = tf.gather(batch, places)
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
