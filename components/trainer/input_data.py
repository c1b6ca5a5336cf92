"""What training reads: transformed images, in memory or on disk, and what their pixels mean."""

import errno
import itertools
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.artifacts.features import IMAGE
from components.artifacts.images import image_shape
from components.errors import ConfigurationError, DataError

_PARSED_BYTES = 8 * 2**20
_BLOCK_BYTES = 2**20
_SHUFFLE_BUFFER_BYTES = 256 * 2**20


class PixelScale(NamedTuple):
    """The relation of normalised pixels to pixels in [0, 1]: ``pixels = normalized * scale + offset``."""

    scale: float
    offset: float

    def normalize(self, pixels: tf.Tensor) -> tf.Tensor:
        """From [0, 1] to the encoder's input."""
        return pixels if self.is_identity else (pixels - self.offset) / self.scale

    def denormalize(self, normalized: tf.Tensor) -> tf.Tensor:
        """From the encoder's input to [0, 1]; clipped, because rounding may leave the range by 1e-7."""
        return normalized if self.is_identity else tf.clip_by_value(normalized * self.scale + self.offset, 0.0, 1.0)

    @property
    def is_identity(self) -> bool:
        """Whether both are the same."""
        return self.scale == 1.0 and self.offset == 0.0


def pixel_scale(transform_graph: tft.TFTransformOutput) -> PixelScale:
    """Finds out how the transform graph normalises, by passing a black and a white image through it.

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
        raise DataError(
            "The transform graph does not map all pixels by the same increasing linear function: correct preprocessing_fn."
        )
    scale = 1.0 / (float(one) - float(zero))
    return PixelScale(scale, -float(zero) * scale)


@dataclass(frozen=True)
class ImageFiles:
    """GZIP TFRecord files of tf.Examples with a float32 image.

    Attributes:
      paths: The files, always in the same order.
      shape: Height, width and channels of every image.
    """

    paths: tuple[str, ...]
    shape: tuple[int, int, int]

    @property
    def image_bytes(self) -> int:
        """Bytes of an image in memory."""
        return 4 * math.prod(self.shape)

    def in_order(self, batch_size: int | None = None) -> tf.data.Dataset:
        """Batches, float32 [N, height, width, channels], in the order of the files.

        Args:
          batch_size: N; by default a batch of some megabytes. The last batch may be smaller.
        """
        batch_size = batch_size or max(1, _PARSED_BYTES // self.image_bytes)
        records = tf.data.TFRecordDataset(list(self.paths), compression_type="GZIP")
        return records.batch(batch_size).map(self._parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)

    def _parse(self, records: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(records, {IMAGE: tf.io.FixedLenFeature(self.shape, tf.float32)})[IMAGE]


class ImageSource(Protocol):
    """Normalised images of a split."""

    @property
    def count(self) -> int:
        """Number of images."""

    @property
    def pixel_mean(self) -> float:
        """The mean of all normalised pixels."""

    def epoch(self, epoch: int, batch_size: int, steps: int) -> Iterator[tf.Tensor]:
        """Goes once over the images, in another order in each epoch.

        Args:
          epoch: Number of the epoch, from 0; the same number gives the same order.
          batch_size: Images per step, N; images after the last full batch are left out.
          steps: Number of steps in each element, at most.

        Yields:
          float32 [steps, N, height, width, channels]; fewer steps at the end.
        """

    def in_order(self, batch_size: int) -> Iterator[tf.Tensor]:
        """Goes once over the images in the order of the files, float32 [N, height, width, channels].

        The last batch may be smaller.
        """


@dataclass(frozen=True)
class ImagesInMemory:
    """An `ImageSource` of images that fit into memory; the order of an epoch is a random permutation.

    Attributes:
      images: float32 [N, height, width, channels], N > 0.
      seed: Fixes the order of every epoch.
    """

    images: tf.Tensor
    seed: int

    @property
    def count(self) -> int:
        """Number of images."""
        return int(self.images.shape[0])

    @property
    def pixel_mean(self) -> float:
        """The mean of all normalised pixels."""
        return float(np.mean(self.images.numpy(), dtype=np.float64))

    def epoch(self, epoch: int, batch_size: int, steps: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        order = np.random.default_rng((self.seed, epoch)).permutation(self.count).astype(np.int32)
        batches = order[: self.count // batch_size * batch_size].reshape(-1, batch_size)
        for start in range(0, len(batches), steps):
            yield tf.gather(self.images, batches[start : start + steps])

    def in_order(self, batch_size: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        for start in range(0, self.count, batch_size):
            yield self.images[start : start + batch_size]


@dataclass(frozen=True)
class ImagesOnDisk:
    """An `ImageSource` that reads its images from disk in every epoch.

    Their pixels are in one file as they are in memory: to decompress and parse the examples again takes ten times as long. The
    file is read in blocks, in random order; the images of as many blocks as the buffer holds are shuffled together.

    Attributes:
      file: float32 [N, height, width, channels].
      shape: Height, width and channels of every image.
      count: Number of images.
      pixel_mean: The mean of all normalised pixels.
      seed: Fixes the order of every epoch.
      block_bytes: What is read at once.
      buffer_bytes: What is shuffled together.
    """

    file: IO[bytes]
    shape: tuple[int, int, int]
    count: int
    pixel_mean: float
    seed: int
    block_bytes: int = _BLOCK_BYTES
    buffer_bytes: int = _SHUFFLE_BUFFER_BYTES

    def epoch(self, epoch: int, batch_size: int, steps: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        generator = np.random.default_rng((self.seed, epoch))
        size = max(1, self.block_bytes // self._image_bytes)
        blocks = [range(start, min(start + size, self.count)) for start in generator.permutation(range(0, self.count, size))]
        at_once = max(1, self.buffer_bytes // self.block_bytes)
        groups = [blocks[start : start + at_once] for start in range(0, len(blocks), at_once)]
        rest = np.empty((0, *self.shape), np.float32)
        for group, following in itertools.zip_longest(groups, groups[1:], fillvalue=()):
            self._announce(following)
            images = self._read(group, rest)
            order = generator.permutation(len(images))
            whole = len(images) // batch_size * batch_size
            if following:
                whole -= whole % (batch_size * steps)
            for start in range(0, whole, batch_size * steps):
                chosen = order[start : min(start + batch_size * steps, whole)]
                yield tf.constant(images[chosen].reshape(-1, batch_size, *self.shape))
            rest = images[order[whole:]]
            del images  # before the next ones are read

    def in_order(self, batch_size: int) -> Iterator[tf.Tensor]:
        """See `ImageSource`."""
        nothing = np.empty((0, *self.shape), np.float32)
        for start in range(0, self.count, batch_size):
            yield tf.constant(self._read([range(start, min(start + batch_size, self.count))], nothing))

    def _announce(self, blocks: Sequence[range]) -> None:
        """Has the system read blocks ahead, while the images before them are trained on."""
        for block in blocks:
            start, size = block.start * self._image_bytes, len(block) * self._image_bytes
            os.posix_fadvise(self.file.fileno(), start, size, os.POSIX_FADV_WILLNEED)

    def _read(self, blocks: Sequence[range], rest: NDArray[np.float32]) -> NDArray[np.float32]:
        """The rest of the blocks before, and these blocks."""
        images = np.empty((len(rest) + sum(map(len, blocks)), *self.shape), np.float32)
        images[: len(rest)] = rest
        filled = len(rest)
        for block in blocks:
            self.file.seek(block.start * self._image_bytes)
            self.file.readinto(images[filled : filled + len(block)])  # type: ignore[attr-defined]  # typeshed: not all have it
            filled += len(block)
        return images

    @property
    def _image_bytes(self) -> int:
        return 4 * math.prod(self.shape)


def open_images(patterns: Sequence[str], shape: tuple[int, int, int], split: str, memory_limit: int, seed: int) -> ImageSource:
    """Opens the transformed images of a split: in memory if they fit, in a temporary file of their pixels otherwise.

    Args:
      patterns: Patterns of the names of GZIP TFRecord files with transformed examples.
      shape: Height, width and channels of every image.
      split: The name of the split, for the message.
      memory_limit: Bytes of float32 pixels to keep in memory, at most.
      seed: Fixes the order of the images in every epoch.

    Raises:
      ConfigurationError: The pixels fit neither into memory nor on the disk for temporary files.
      DataError: The split has no example, or a file is corrupt.
    """
    files = ImageFiles(tuple(sorted(tf.io.gfile.glob(list(patterns)))), shape)
    kept: list[tf.Tensor] = []
    count, pixel_sum, on_disk = 0, 0.0, None
    try:
        for batch in files.in_order():
            count += len(batch)
            pixel_sum += float(tf.reduce_sum(tf.cast(batch, tf.float64)))
            kept.append(batch)
            if count * files.image_bytes > memory_limit:
                on_disk = on_disk or tempfile.TemporaryFile()  # noqa: SIM115 (the images are read as long as there is the source)
                _write(kept, on_disk, split)
                kept.clear()
    except tf.errors.DataLossError as error:
        raise DataError(
            f"The transformed examples of split '{split}' are corrupt in {', '.join(patterns)} ({error.message}): "
            "run again with --set runtime.cache=false."
        ) from error
    if not count:
        raise DataError(f"Split '{split}' has no example: give it images in data.splits.")
    if on_disk is None:
        return ImagesInMemory(tf.concat(kept, axis=0), seed)
    return ImagesOnDisk(on_disk, shape, count, pixel_sum / (count * math.prod(shape)), seed)


def _write(batches: Sequence[tf.Tensor], file: IO[bytes], split: str) -> None:
    try:
        for batch in batches:
            file.write(batch.numpy())
        file.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ConfigurationError(
            f"The images of split '{split}' are larger than trainer.memory_limit_gb, and their pixels do not fit on the disk "
            f"of {tempfile.gettempdir()}: free some space, name a directory on a larger disk in the environment variable "
            "TMPDIR, or raise trainer.memory_limit_gb."
        ) from error
