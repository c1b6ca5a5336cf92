"""Training images, from memory and from disk, behave the same."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.image_source import ImagesInMemory, ImagesOnDisk, ImageSource

COUNT = 23
# Every image is told by its first pixel.
IMAGES = (np.arange(COUNT, dtype=np.float32)[:, None, None, None] + np.array([[[0.0], [0.25]]])).astype(np.float32)


def in_memory(seed: int = 0) -> ImageSource:
    return ImagesInMemory(tf.constant(IMAGES), seed)


def on_disk(seed: int = 0) -> ImageSource:
    return ImagesOnDisk(tf.data.Dataset.from_tensor_slices(IMAGES), COUNT, seed)


both = pytest.mark.parametrize("source", [in_memory, on_disk])


def order(source: ImageSource, epoch: int) -> list[float]:
    return [float(pixel) for chunk in source.epoch(epoch, 5, 2) for pixel in tf.reshape(chunk[..., 0, 0, 0], [-1])]


@both
def test_an_epoch_gives_whole_batches_a_few_steps_at_a_time(source: Callable[[], ImageSource]):
    shapes = [tuple(chunk.shape) for chunk in source().epoch(0, batch_size=5, steps=3)]

    assert shapes == [(3, 5, 1, 2, 1), (1, 5, 1, 2, 1)]


@both
def test_an_epoch_gives_no_image_twice(source: Callable[[], ImageSource]):
    given = order(source(), 0)

    assert len(given) == len(set(given)) == 20
    assert set(given) <= set(range(COUNT))


@both
def test_epochs_differ_in_order_and_so_do_seeds_and_the_same_are_the_same(source: Callable[..., ImageSource]):
    assert order(source(), 0) == order(source(), 0)
    assert order(source(), 0) != order(source(), 1)
    assert order(source(seed=0), 0) != order(source(seed=1), 0)


@both
def test_in_order_gives_every_image_once_as_they_lie(source: Callable[[], ImageSource]):
    batches = list(source().in_order(10))

    assert [len(batch) for batch in batches] == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate(batches), IMAGES)


@both
def test_count_and_mean_are_those_of_all_images(source: Callable[[], ImageSource]):
    assert source().count == COUNT
    assert source().pixel_mean() == pytest.approx(11 + 0.125)
