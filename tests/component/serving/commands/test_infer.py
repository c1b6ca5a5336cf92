import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from click.testing import Result

from components.artifacts.image_files import encode_png
from components.artifacts.loaded_model import LoadedModel

Ask = Callable[..., Result]


def example(image: bytes) -> bytes:
    feature = {"image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))}
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def write(path: Path, images: list[bytes]) -> Path:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for image in images:
            writer.write(example(image))
    return path


def test_every_image_of_all_files_gets_one_row_with_what_the_model_answers(ask: Ask, place: Any, tmp_path: Path):
    shapes = np.random.default_rng(0).integers(0, 256, (300, 28, 28, 1), np.uint8)
    images = [encode_png(pixels) for pixels in [*place.pixels, *shapes]]
    write(tmp_path / "a.gz", images[:2])
    write(tmp_path / "b.gz", images[2:])

    asked = ask("infer", tmp_path / "*.gz", "--output", tmp_path / "scores")

    assert asked.exit_code == 0, asked.output
    assert asked.output == f"303 images scored by version 7 of mnist-vae: {tmp_path / 'scores'}\n"
    rows = {row["id"]: row for row in pq.read_table(tmp_path / "scores").to_pylist()}
    assert set(rows) == {hashlib.sha256(image).hexdigest() for image in images}
    expected = LoadedModel(place.model).call("serving_default", examples=[example(image) for image in images[:256]])
    for image, score, mean in zip(images, expected["score"], expected["latent_mean"], strict=False):
        row = rows[hashlib.sha256(image).hexdigest()]
        assert np.float32(row["score"]) == score
        assert np.array_equal(np.float32(row["latent_mean"]), mean)


def test_a_damaged_image_ends_it_with_one_sentence_and_leaves_nothing(ask: Ask, tmp_path: Path):
    file = write(tmp_path / "a.gz", [encode_png(np.zeros((28, 28, 1), np.uint8)), b"no image"])

    asked = ask("infer", file, "--output", tmp_path / "scores")

    assert asked.exit_code == 1
    damaged = hashlib.sha256(b"no image").hexdigest()
    assert asked.output == f"The image {damaged} is neither PNG nor JPEG, or damaged.\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("pattern", "output", "sentence"),
    [("nowhere*", "scores", "There are no files"), ("a.gz", ".", "exists; name another directory, or remove it")],
)
def test_what_cannot_be_read_or_written_is_refused(ask: Ask, tmp_path: Path, pattern: str, output: str, sentence: str):
    write(tmp_path / "a.gz", [])

    asked = ask("infer", tmp_path / pattern, "--output", tmp_path / output)

    assert (asked.exit_code, sentence in asked.output) == (2, True)
