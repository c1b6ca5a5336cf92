"""Training images behave the same in memory and on disk, and pixels are normalised and back."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.artifacts.features import IMAGE
from components.errors import ConfigurationError
from components.trainer.input_data import ImagesInMemory, ImagesOnDisk, ImageSource, PixelScale, open_images

COUNT = 23
# Every image is told by its first pixel.
IMAGES = (np.arange(COUNT, dtype=np.float32)[:, None, None, None] + np.array([[[0.0], [0.25]]])).astype(np.float32)
MakeSource = Callable[..., ImageSource]


def test_denormalising_undoes_normalising():
    scale = PixelScale(scale=0.3, offset=0.13)
    pixels = tf.constant(np.linspace(0, 1, 11), tf.float32)

    np.testing.assert_allclose(scale.denormalize(scale.normalize(pixels)), pixels, atol=1e-6)
    np.testing.assert_allclose(scale.normalize(tf.constant([0.13, 0.43])), [0.0, 1.0], atol=1e-6)


def test_rounding_never_leaves_the_unit_interval():
    scale = PixelScale(scale=0.3, offset=0.13)

    beyond = scale.denormalize(tf.constant([-0.13 / 0.3 - 1e-6, 0.87 / 0.3 + 1e-6]))

    np.testing.assert_array_equal(beyond, [0.0, 1.0])


def test_unit_pixels_are_passed_through_untouched():
    pixels = tf.constant([0.1, 0.7])

    assert PixelScale(1.0, 0.0).normalize(pixels) is pixels
    assert PixelScale(1.0, 0.0).denormalize(pixels) is pixels


def write(path: Path, images: np.ndarray) -> str:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image in images:
            example = tf.train.Example()
            example.features.feature[IMAGE].float_list.value.extend(image.ravel())
            writer.write(example.SerializeToString())
    return str(path)


@pytest.fixture(params=["memory", "disk"])
def make_source(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSource:
    """The images in memory, or in two files."""
    if request.param == "memory":
        return lambda seed=0: ImagesInMemory(tf.constant(IMAGES), seed)
    write(tmp_path / "1", IMAGES[:9])
    write(tmp_path / "2", IMAGES[9:])
    return lambda seed=0: on_disk(tmp_path, (1, 2, 1), seed, 5)


def on_disk(directory: Path, shape: tuple[int, int, int], seed: int, buffer: int) -> ImagesOnDisk:
    """All images in a directory, read one by one and shuffled among so many."""
    source = open_images([f"{directory}/*"], shape, "train", memory_limit=0, seed=seed)
    assert isinstance(source, ImagesOnDisk)
    image_bytes = 4 * math.prod(shape)
    return replace(source, block_bytes=image_bytes, buffer_bytes=buffer * image_bytes)


def order(source: ImageSource, epoch: int) -> list[float]:
    return [float(pixel) for chunk in source.epoch(epoch, 5, 2) for pixel in tf.reshape(chunk[..., 0, 0, 0], [-1])]


def test_an_epoch_gives_whole_batches_a_few_steps_at_a_time(make_source: MakeSource):
    shapes = [tuple(chunk.shape) for chunk in make_source().epoch(0, batch_size=5, steps=3)]

    assert shapes == [(3, 5, 1, 2, 1), (1, 5, 1, 2, 1)]


def test_an_epoch_gives_no_image_twice(make_source: MakeSource):
    given = order(make_source(), 0)

    assert len(given) == len(set(given)) == 20
    assert set(given) <= set(range(COUNT))


def test_the_order_depends_on_the_epoch_and_the_seed_only(make_source: MakeSource):
    assert order(make_source(), 0) == order(make_source(), 0)
    assert order(make_source(), 0) != order(make_source(), 1)
    assert order(make_source(seed=0), 0) != order(make_source(seed=1), 0)


def test_in_order_gives_every_image_once_in_the_order_of_the_files(make_source: MakeSource):
    batches = list(make_source().in_order(10))

    assert [len(batch) for batch in batches] == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate(batches), IMAGES)


def test_count_and_mean_are_those_of_all_images(make_source: MakeSource):
    assert make_source().count == COUNT
    assert make_source().pixel_mean == pytest.approx(11 + 0.125)


def test_a_buffer_of_one_image_still_mixes_files(tmp_path: Path):
    """Neighbours on disk are often alike, and the buffer may be far smaller than the split."""
    images = np.arange(96, dtype=np.float32).reshape(-1, 1, 1, 1)
    for start in (0, 32, 64):
        write(tmp_path / str(start), images[start : start + 32])
    source = on_disk(tmp_path, (1, 1, 1), 0, buffer=1)

    def first_pixels(epoch: int) -> list[float]:
        return np.concatenate([chunk.numpy().ravel() for chunk in source.epoch(epoch, 8, 2)]).tolist()

    assert sorted(first_pixels(0)) == images.ravel().tolist()
    assert {int(pixel) // 32 for pixel in first_pixels(0)[:48]} == {0, 1, 2}
    assert len({tuple(first_pixels(epoch)) for epoch in range(8)}) > 1


def test_images_are_shuffled_within_a_block(tmp_path: Path):
    write(tmp_path / "1", IMAGES)
    source = replace(on_disk(tmp_path, (1, 2, 1), 0, buffer=1), block_bytes=2**20, buffer_bytes=2**20)

    assert order(source, 0) != sorted(order(source, 0))


def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "1", IMAGES)
    full = Path("/dev/full").open("wb")  # noqa: SIM115 (it cannot be closed: what was written does not fit)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: full)

    with pytest.raises(
        ConfigurationError, match=r"split 'train' are larger than trainer\.memory_limit_gb, .* TMPDIR, or raise"
    ):
        open_images([f"{tmp_path}/*"], (1, 2, 1), "train", memory_limit=0, seed=0)
