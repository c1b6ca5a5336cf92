"""TfdsExampleGen over all of MNIST."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from support.entry_points import ENTRY_POINTS
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.source_digest import source_digest

SPLITS = {"train": "train[:55000]", "eval": "train[55000:]", "test": "test"}


def prepared_records(mnist: Any, split: str) -> list[bytes]:
    """What tensorflow-datasets wrote."""
    (file,) = (mnist.data_dir / "mnist" / "3.0.1").glob(f"mnist-{split}.tfrecord*")
    return [record for batch in tf.data.TFRecordDataset(str(file)).batch(1024).as_numpy_iterator() for record in batch]


def test_the_cache_key_holds_a_digest_of_the_code(mnist: Any, run_component: Callable[..., Any]) -> None:
    output = run_component(**mnist.arguments, splits={"train": "train[:10]"})
    assert output.properties["source_digest"] == source_digest(*ENTRY_POINTS["TfdsExampleGen"])


def test_the_splits_are_disjoint_and_complete_and_in_order(mnist: Any, run_component: Callable[..., Any]) -> None:
    output = run_component(**mnist.arguments, splits=SPLITS, shards=4)
    train, evaluation, test = (output.records(split) for split in SPLITS)
    assert (len(train), len(evaluation), len(test)) == (55_000, 5_000, 10_000)
    assert train + evaluation == prepared_records(mnist, "train")
    assert test == prepared_records(mnist, "test")


def test_every_split_has_as_many_files_as_asked_for_and_nothing_else(mnist: Any, run_component: Callable[..., Any]) -> None:
    output = run_component(**mnist.arguments, splits={"train": "train[:1000]", "few": "test[:2]"}, shards=3)
    assert [path.name for path in output.files("train")] == [f"data_tfrecord-0000{index}-of-00003.gz" for index in range(3)]
    assert [path.name for path in output.files("few")] == [f"data_tfrecord-0000{index}-of-00002.gz" for index in range(2)]


def test_pixels_and_labels_are_those_of_the_original_files(mnist: Any, run_component: Callable[..., Any]) -> None:
    output = run_component(**mnist.arguments, splits={"test": "test"})
    found = Counter((example["image"].tobytes(), *example["label"]) for example in output.decoded("test"))
    with gzip.open(mnist.manual_dir / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read()[16:], np.uint8).reshape(10_000, 784)
    with gzip.open(mnist.manual_dir / "t10k-labels-idx1-ubyte.gz") as file:
        labels = file.read()[8:]
    assert found == Counter((image.tobytes(), label) for image, label in zip(pixels, labels, strict=True))


def test_the_artifact_is_marked_as_the_stock_example_gen_marks_it(mnist: Any, run_component: Callable[..., Any]) -> None:
    output = run_component(**mnist.arguments, splits={"train": "train[:10]", "test": "test[:10]"})
    examples = output.examples
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "test"]
    assert examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    assert examples_utils.get_file_format(examples) == "tfrecords_gzip"
    assert examples.get_int_custom_property("span") == 0


def test_the_artifact_tells_what_it_was_made_from(mnist: Any, run_component: Callable[..., Any]) -> None:
    output = run_component(**mnist.arguments, splits={"train": "train[:10]"})
    examples = output.examples
    assert examples.get_string_custom_property("dataset") == "mnist"
    assert examples.get_string_custom_property("dataset_version") == "3.0.1"
    assert json.loads(examples.get_string_custom_property("image_shape")) == [28, 28, 1]
    assert examples.get_string_custom_property("input_fingerprint") == output.properties["content_digest"]


def test_the_digest_is_the_same_for_the_same_data_and_another_for_other_records(
    mnist: Any, run_component: Callable[..., Any]
) -> None:
    digests = [
        run_component(**mnist.arguments, splits={"train": expression}).properties["content_digest"]
        for expression in ("train[:10]", "train[:10]", "train[:11]")
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("version", ["3.0.1", "3.*.*", None])
def test_the_version_that_is_read_is_found_out(mnist: Any, run_component: Callable[..., Any], version: str | None) -> None:
    output = run_component(**mnist.arguments, version=version, splits={"train": "train[:1]"})
    assert output.properties["version"] == "3.0.1"


def test_preparing_tells_how_far_it_is(mnist: Any) -> None:
    tasks = {report.task for report in mnist.reports}
    assert {"preparing mnist: generating train examples", "preparing mnist: shuffling examples"} <= tasks
    generated = [report.completed for report in mnist.reports if report.task == "preparing mnist: generating train examples"]
    assert generated == sorted(generated)
    assert max(generated) > 30_000
