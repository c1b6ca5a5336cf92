"""What training reads: transformed images, in memory or on disk, and what their pixels mean."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.artifacts.features import IMAGE
from components.artifacts.transform_graph import image_shape
from components.errors import DataError

_PARSED_BYTES = 8 * 2**20
# Enough to mix what lies far apart, and few enough to keep open.
_FILES_AT_ONCE = 16
_RECORDS_IN_TURN = 16
_SHUFFLE_BUFFER_BYTES = 256 * 2**20


class PixelScale(NamedTuple):
    """How normalised pixels relate to pixels in [0, 1]: ``pixels = normalized * scale + offset``."""

    scale: float
    offset: float

    def normalize(self, pixels: tf.Tensor) -> tf.Tensor:
        """From [0, 1] to what the encoder sees."""
        return pixels if self.is_identity else (pixels - self.offset) / self.scale

    def denormalize(self, normalized: tf.Tensor) -> tf.Tensor:
        """From what the encoder sees to [0, 1]; clipped, because rounding may leave the range by 1e-7."""
        return normalized if self.is_identity else tf.clip_by_value(normalized * self.scale + self.offset, 0.0, 1.0)

    @property
    def is_identity(self) -> bool:
        """Whether the two are the same."""
        return self.scale == 1.0 and self.offset == 0.0


def pixel_scale(transform_graph: tft.TFTransformOutput) -> PixelScale:
    """Reads the normalisation off the transform graph, by sending a black and a white image through it.

    Raises:
      DataError: The graph does not map pixels by one scale and offset.
    """
    height, width, channels = image_shape(transform_graph)
    black, white = (
        tf.io.encode_png(tf.fill((height, width, channels), tf.constant(value, tf.uint8))).numpy() for value in (0, 255)
    )
    layer = transform_graph.transform_features_layer()
    raw_shape = transform_graph.raw_feature_spec()[IMAGE].shape
    normalized = layer({IMAGE: tf.reshape(tf.constant([black, white]), [2, *raw_shape])})[IMAGE].numpy()
    zero, one = normalized[0].flat[0], normalized[1].flat[0]
    if not np.all(normalized[0] == zero) or not np.all(normalized[1] == one) or one <= zero:
        raise DataError("The transform graph must map every pixel by the same increasing linear function, and it does not.")
    scale = 1.0 / (float(one) - float(zero))
    return PixelScale(scale, -float(zero) * scale)


@dataclass(frozen=True)
class ImageFiles:
    """GZIP TFRecord files of tf.Examples with a float32 image.

    Attributes:
      paths: The files, in an order that is always the same.
      shape: Height, width and channels of every image.
    """

    paths: tuple[str, ...]
    shape: tuple[int, int, int]

    @property
    def image_bytes(self) -> int:
        """What an image takes in memory."""
        return 4 * math.prod(self.shape)

    def in_order(self, batch_size: int | None = None) -> tf.data.Dataset:
        """Batches, float32 [N, height, width, channels], as the images lie in the files.

        Args:
          batch_size: N; by default as many as make some megabytes. The last batch may be smaller.
        """
        batch_size = batch_size or max(1, _PARSED_BYTES // self.image_bytes)
        records = tf.data.TFRecordDataset(list(self.paths), compression_type="GZIP")
        return records.batch(batch_size).map(self._parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)

    def shuffled(self, seed: tuple[int, int], buffer_bytes: int, batch_size: int, steps: int) -> tf.data.Dataset:
        """Whole batches, float32 [steps, N, height, width, channels], in an order that the seed alone decides.

        The files come in random order, some at a time; each next record is drawn at random from a buffer of them.

        Args:
          seed: The same gives the same order.
          buffer_bytes: What the images in the buffer may take.
          batch_size: N; what is left over after the last whole batch is left out.
          steps: Batches at a time; fewer at the end.
        """
        generator = np.random.default_rng(seed)
        records = tf.data.Dataset.from_tensor_slices(generator.permutation(self.paths)).interleave(
            lambda path: tf.data.TFRecordDataset(path, compression_type="GZIP"),
            cycle_length=min(len(self.paths), _FILES_AT_ONCE),
            block_length=_RECORDS_IN_TURN,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        # Records, not images: parsing many at once costs half of what parsing each does.
        batches = (
            records.shuffle(max(1, buffer_bytes // self.image_bytes), seed=int(generator.integers(2**31)))
            .batch(batch_size, drop_remainder=True)
            .batch(steps)
        )
        return batches.map(
            lambda batch: tf.reshape(self._parse(tf.reshape(batch, [-1])), [-1, batch_size, *self.shape])
        ).prefetch(1)

    def _parse(self, records: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(records, {IMAGE: tf.io.FixedLenFeature(self.shape, tf.float32)})[IMAGE]


class ImageSource(Protocol):
    """Normalised images of a training split."""

    @property
    def count(self) -> int:
        """How many images there are."""

    def pixel_mean(self) -> float:
        """The mean of all normalised pixels."""

    def epoch(self, epoch: int, batch_size: int, steps: int) -> Iterator[tf.Tensor]:
        """Goes once over the images, in an order of its own for each epoch.

        Args:
          epoch: Which one, from 0: the same gives the same order.
          batch_size: Images a step, N; what is left over after the last whole batch is left out.
          steps: Steps to give at a time, at most.

        Yields:
          float32 [steps, N, height, width, channels]; fewer steps at the end.
        """

    def in_order(self, batch_size: int) -> Iterator[tf.Tensor]:
        """Goes once over the images as they lie, float32 [N, height, width, channels]; the last batch may be smaller."""


class ImagesInMemory:
    """Images that fit into memory: read once, and drawn without replacement each epoch."""

    def __init__(self, images: tf.Tensor, seed: int) -> None:
        """Keeps the images.

        Args:
          images: float32 [N, height, width, channels], N > 0.
          seed: Fixes the order of every epoch.
        """
        self._images = images
        self._seed = seed

    @property
    def count(self) -> int:
        """How many images there are."""
        return int(self._images.shape[0])

    def pixel_mean(self) -> float:
        """The mean of all normalised pixels."""
        return float(np.mean(self._images.numpy(), dtype=np.float64))

    def epoch(self, epoch: int, batch_size: int, steps: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`; the order is a random permutation."""
        order = np.random.default_rng((self._seed, epoch)).permutation(self.count).astype(np.int32)
        batches = order[: self.count // batch_size * batch_size].reshape(-1, batch_size)
        for start in range(0, len(batches), steps):
            yield tf.gather(self._images, batches[start : start + steps])

    def in_order(self, batch_size: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        for start in range(0, self.count, batch_size):
            yield self._images[start : start + batch_size]


class ImagesOnDisk:
    """Images that do not fit into memory: read from disk every epoch, and shuffled within a buffer of 256 MB."""

    def __init__(self, files: ImageFiles, count: int, pixel_mean: float, seed: int) -> None:
        """Keeps the names of the files; nothing is read yet.

        Args:
          files: Where the images lie.
          count: How many there are.
          pixel_mean: The mean of all normalised pixels.
          seed: Fixes the order of every epoch.
        """
        self._files = files
        self._count = count
        self._pixel_mean = pixel_mean
        self._seed = seed

    @property
    def count(self) -> int:
        """How many images there are."""
        return self._count

    def pixel_mean(self) -> float:
        """The mean of all normalised pixels."""
        return self._pixel_mean

    def epoch(self, epoch: int, batch_size: int, steps: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        yield from self._files.shuffled((self._seed, epoch), _SHUFFLE_BUFFER_BYTES, batch_size, steps)

    def in_order(self, batch_size: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        yield from self._files.in_order(batch_size)


def open_images(patterns: Sequence[str], shape: tuple[int, int, int], split: str, memory_limit: int, seed: int) -> ImageSource:
    """Opens the transformed images of a split: in memory if they fit, on disk otherwise.

    Args:
      patterns: Of GZIP TFRecord files of transformed examples.
      shape: Height, width and channels of every image.
      split: The name of the split, for the message.
      memory_limit: Bytes of float32 pixels to keep in memory at most.
      seed: Fixes the order in which training sees them.

    Raises:
      DataError: The split holds no example, or a file is corrupt.
    """
    files = ImageFiles(tuple(sorted(tf.io.gfile.glob(list(patterns)))), shape)
    kept: list[tf.Tensor] = []
    count, pixel_sum = 0, 0.0
    try:
        for batch in files.in_order():
            count += len(batch)
            pixel_sum += float(tf.reduce_sum(tf.cast(batch, tf.float64)))
            if count * files.image_bytes <= memory_limit:
                kept.append(batch)
            else:
                kept.clear()
    except tf.errors.DataLossError as error:
        raise DataError(
            f"The transformed examples of split '{split}' are corrupt in {', '.join(patterns)}: {error.message}; "
            "run again with --set runtime.cache=false."
        ) from error
    if not count:
        raise DataError(f"Split '{split}' holds no example: there is nothing to train with.")
    if kept:
        return ImagesInMemory(tf.concat(kept, axis=0), seed)
    return ImagesOnDisk(files, count, pixel_sum / (count * math.prod(shape)), seed)
