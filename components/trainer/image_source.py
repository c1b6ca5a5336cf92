"""Where training takes its images from: memory, or the disk where there are too many."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import tensorflow as tf

from components.trainer.image_files import ImageFiles

_SHUFFLE_BUFFER_BYTES = 256 * 2**20


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
