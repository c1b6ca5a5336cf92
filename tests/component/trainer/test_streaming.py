"""Training images are read once if they fit into memory, and take a bounded part of it if they do not."""

import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from support.digits import PROJECT, Transformed
from support.streamed_training import IMAGE_BYTES, SHAPE

from components.artifacts.features import IMAGE
from components.trainer.input_data import ImagesInMemory, ImagesOnDisk, open_images

MEGABYTE = 2**20
FILES, IMAGES_A_FILE = 7, 500
LIMIT = 64 * MEGABYTE
# The shuffle buffer of 256 MB, the chunks on their way through it, and what the allocator does not give back.
BOUND = 512 * MEGABYTE


def test_a_split_beyond_the_limit_trains_in_bounded_memory(python: Path, tmp_path: Path):
    example = tf.train.Example()
    example.features.feature[IMAGE].float_list.value.extend(np.full(SHAPE, 0.5, np.float32).ravel())
    with tf.io.TFRecordWriter(str(tmp_path / "0"), "GZIP") as writer:
        for record in itertools.repeat(example.SerializeToString(), IMAGES_A_FILE):
            writer.write(record)
    for number in range(1, FILES):
        (tmp_path / str(number)).symlink_to(tmp_path / "0")

    output = subprocess.run(
        [python, "tests/support/streamed_training.py", str(LIMIT), *(str(tmp_path / str(n)) for n in range(FILES))],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout

    measured = json.loads(output)
    assert measured["pixels"] == FILES * IMAGES_A_FILE * IMAGE_BYTES > 1.2 * BOUND
    assert measured["growth"] < BOUND


def test_a_split_within_the_limit_is_read_once(transformed: Transformed, tmp_path: Path):
    shutil.copytree(transformed.examples / "Split-train", tmp_path / "train")
    source = open_images([str(tmp_path / "train" / "*")], (28, 28, 1), "train", memory_limit=2**30, seed=0)
    shutil.rmtree(tmp_path / "train")

    assert isinstance(source, ImagesInMemory)
    assert sum(len(chunk) for epoch in (0, 1) for chunk in source.epoch(epoch, 50, 2)) == 12


def test_images_are_read_from_disk_far_faster_than_any_model_here_trains(transformed: Transformed):
    """benchmarks/training_speed.py measures the whole; this finds what is slower by an order of magnitude."""
    source = open_images([transformed.pattern("train")] * 20, (28, 28, 1), "train", memory_limit=0, seed=0)
    assert isinstance(source, ImagesOnDisk)
    started = time.process_time()

    images = sum(chunk.shape[0] * chunk.shape[1] for epoch in range(10) for chunk in source.epoch(epoch, 50, 6))

    assert images / (time.process_time() - started) > 5_000
