"""A sample of the images of a split, and what the champion says about each."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.artifacts.features import IMAGE, LABEL, NEGATIVE_ELBO
from components.artifacts.images import BATCH
from components.artifacts.loaded_model import LoadedModel
from components.artifacts.model_input import decode_upright, prepare_images
from components.artifacts.signature_names import EVALUATE, LATENT_MEAN, RECONSTRUCT, RECONSTRUCTION

_STRANGEST: Final = 10


@dataclass(frozen=True)
class Sample:
    """What was seen of some images, in the order of the files.

    Attributes:
      labels: How many images have each label; empty without labels.
      brightness: The mean of the pixels of each image, 0 to 255, [N].
      contrast: Their standard deviation, [N].
      constant: How many images have a single colour.
      scores: The champion's negative ELBO of each image; infinite where it is not a number, [N].
      codes: The champion's codes that are finite, [N or fewer, L].
      strangest: PNG or JPEG bytes of the images with the highest scores, the highest first.
    """

    labels: dict[int, int]
    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    constant: int
    scores: NDArray[np.float64]
    codes: NDArray[np.float64]
    strangest: list[bytes]

    def __len__(self) -> int:
        return len(self.scores)


def take_sample(files: Sequence[str], most: int, champion: LoadedModel) -> Sample | None:
    """Reads the images with the lowest hashes: twice, so that only a batch of them is in memory at a time.

    Args:
      files: GZIP TFRecords of raw tf.Examples.
      most: Number of images, at most.
      champion: Scores and encodes them.

    Returns:
      None if there is no image.
    """
    digests = np.array([_digest(record) for record in _records(files)], np.uint64)
    if not digests.size:
        return None
    last = np.partition(digests, most - 1)[most - 1] if digests.size > most else digests.max()
    chosen = (record for record in _records(files) if _digest(record) <= last)
    labels: Counter[int] = Counter()
    figures, scores, codes = [], [], []
    strangest: list[tuple[float, bytes]] = []
    while batch := list(islice(chosen, BATCH)):
        features = [tf.train.Example.FromString(record).features.feature for record in batch]
        encoded = [feature[IMAGE].bytes_list.value[0] for feature in features]
        labels.update(label for feature in features for label in feature[LABEL].int64_list.value[:1])
        said = champion.call(EVALUATE, examples=batch)
        figures.append(_figures(tf.constant(encoded)).numpy())
        scores.append(np.where(np.isnan(said[NEGATIVE_ELBO]), np.inf, said[NEGATIVE_ELBO]))
        codes.append(said[LATENT_MEAN])
        scored = zip(scores[-1].tolist(), encoded, strict=True)
        strangest = heapq.nlargest(_STRANGEST, [*strangest, *scored], key=itemgetter(0))
    all_figures, all_codes = np.concatenate(figures).astype(np.float64), np.concatenate(codes).astype(np.float64)
    return Sample(
        labels=dict(sorted(labels.items())),
        brightness=all_figures[:, 0],
        contrast=all_figures[:, 1],
        constant=int((all_figures[:, 2] == 0).sum()),
        scores=np.concatenate(scores).astype(np.float64),
        codes=all_codes[np.isfinite(all_codes).all(axis=1)],
        strangest=[image for _, image in strangest],
    )


def decode_with(champion: LoadedModel, encoded: Sequence[bytes]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Images as the champion takes them, and what it makes of them: [N, height, width, channels] in [0, 1], both."""
    pixels = prepare_images(tf.constant(list(encoded)), champion.model_input).numpy()
    return pixels, champion.call(RECONSTRUCT, image=pixels)[RECONSTRUCTION]


def _records(files: Sequence[str]) -> Iterator[bytes]:
    yield from tf.data.TFRecordDataset(list(files), compression_type="GZIP").as_numpy_iterator()


def _digest(record: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(record, digest_size=8).digest())


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _figures(encoded: tf.Tensor) -> Any:
    """Mean, standard deviation and range of the pixels of each image, without alpha, float32 [N, 3]."""
    return tf.map_fn(_figures_of_one, encoded, fn_output_signature=tf.TensorSpec([3], tf.float32))


def _figures_of_one(encoded: tf.Tensor) -> tf.Tensor:
    image = decode_upright(encoded)
    channels = tf.shape(image)[2]
    colours = tf.cast(image[..., : channels - (1 - channels % 2)], tf.float32)
    spread = tf.reduce_max(tf.math.reduce_max(colours, axis=[0, 1]) - tf.math.reduce_min(colours, axis=[0, 1]))
    return tf.stack([tf.reduce_mean(colours), tf.math.reduce_std(colours), spread])
