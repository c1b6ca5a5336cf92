"""TfdsExampleGen over small datasets of every kind, read from the directory that they are prepared in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from components.errors import DataError
from components.example_gen.dataset import RecordRange, Shard
from components.example_gen.records import ImageFeatures, RecordWriter

DIGIT = tfds.features.ClassLabel(num_classes=10)


def image(*shape: int | None, encoding: str | None = None) -> tfds.features.Image:
    return tfds.features.Image(shape=shape, encoding_format=encoding)


def as_read_by_tfds(directory: Path, feature: str = "image") -> list[Any]:
    dataset = tfds.builder_from_directory(directory).as_dataset(split="train")
    return [example[feature] for example in tfds.as_numpy(dataset)]


def assert_same_images(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 20, 3), (5, 6, 4)], ids=["grey", "colour", "with alpha"])
def test_images_of_any_size_and_colour_come_out_as_they_went_in(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    given = pictures(5, *shape)
    directory = store({"image": image(*shape)}, train=[{"image": pixels} for pixels in given])
    output = run_component(directory=directory, splits={"train": "train"}, shards=2)
    assert_same_images([example["image"] for example in output.decoded("train")], given)


def test_images_may_differ_in_size(store: Callable[..., Path], run_component: Callable[..., Any], pictures: Any) -> None:
    given = [pictures(1, 4, 7, 3)[0], pictures(1, 9, 2, 3)[0]]
    directory = store({"image": image(None, None, 3)}, train=[{"image": pixels} for pixels in given])
    output = run_component(directory=directory, splits={"train": "train"})
    assert_same_images([example["image"] for example in output.decoded("train")], given)
    assert output.examples.get_string_custom_property("image_shape") == "[null, null, 3]"


def test_a_dataset_without_a_label_gives_examples_without_one(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    directory = store({"image": image(8, 8, 1)}, train=[{"image": pixels} for pixels in pictures(3, 8, 8, 1)])
    assert all(
        example.keys() == {"image"} for example in run_component(directory=directory, splits={"a": "train"}).decoded("a")
    )


def test_jpeg_images_come_out_as_png_with_the_pixels_that_tfds_decodes(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    examples = [{"image": pixels, "label": label} for label, pixels in enumerate(pictures(4, 16, 16, 3))]
    directory = store({"image": image(16, 16, 3, encoding="jpeg"), "label": DIGIT}, train=examples)
    output = run_component(directory=directory, splits={"train": "train"}).decoded("train")
    assert_same_images([example["image"] for example in output], as_read_by_tfds(directory))
    assert [example["label"] for example in output] == [[0], [1], [2], [3]]


def test_encoded_files_that_the_features_do_not_tell_of_are_noticed(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    """The features say no more than `image` and `label`, as MNIST's do; one record of three holds a JPEG file."""
    first, second, third = pictures(3, 16, 16, 3)
    jpeg = tf.io.encode_jpeg(second).numpy()
    examples = [{"image": pixels, "label": 1} for pixels in (first, jpeg, third)]
    directory = store({"image": image(16, 16, 3), "label": DIGIT}, train=examples)
    output = run_component(directory=directory, splits={"train": "train"}).decoded("train")
    assert_same_images([example["image"] for example in output], [first, tf.io.decode_jpeg(jpeg).numpy(), third])


def test_a_png_file_of_another_colour_than_the_features_say_is_converted(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    (grey,) = pictures(1, 6, 6, 1)
    directory = store({"image": image(6, 6, 3)}, train=[{"image": tf.io.encode_png(grey).numpy()}])
    (example,) = run_component(directory=directory, splits={"train": "train"}).decoded("train")
    np.testing.assert_array_equal(example["image"], np.repeat(grey, 3, axis=2))


def test_features_beside_image_and_label_are_left_out(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    given = pictures(3, 8, 8, 1)
    directory = store(
        {"image": image(8, 8, 1), "label": DIGIT, "file_name": tfds.features.Text()},
        train=[{"image": pixels, "label": 4, "file_name": "x.png"} for pixels in given],
    )
    output = run_component(directory=directory, splits={"train": "train"}).decoded("train")
    assert [example.keys() for example in output] == [{"image", "label"}] * 3
    assert_same_images([example["image"] for example in output], given)


def test_features_of_other_names_come_out_as_image_and_label(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    fronts, backs = pictures(6, 8, 8, 1)[:3], pictures(6, 8, 8, 1)[3:]
    directory = store(
        {"views": {"front": image(8, 8, 1), "back": image(8, 8, 1)}, "age": tfds.features.Scalar(np.int32)},
        train=[
            {"views": {"front": front, "back": back}, "age": age}
            for age, (front, back) in enumerate(zip(fronts, backs, strict=True), 30)
        ],
    )
    output = run_component(
        directory=directory, image_feature="views/back", label_feature="age", splits={"train": "train"}
    ).decoded("train")
    assert_same_images([example["image"] for example in output], backs)
    assert [example["label"] for example in output] == [[30], [31], [32]]


def test_records_from_several_files_keep_their_order(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    given = pictures(20, 4, 4, 1)
    directory = store({"image": image(4, 4, 1)}, files=4, train=[{"image": pixels} for pixels in given])
    assert len(list(directory.glob("*tfrecord*"))) == 4
    output = run_component(directory=directory, splits={"head": "train[:13]", "tail": "train[13:]"}, shards=3)
    found = [example["image"] for split in ("head", "tail") for example in output.decoded(split)]
    assert_same_images(found, given)


def test_an_empty_split_is_one_readable_file(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    directory = store({"image": image(4, 4, 1)}, train=[{"image": pixels} for pixels in pictures(2, 4, 4, 1)])
    output = run_component(directory=directory, splits={"train": "train", "eval": "train[:0]"}, shards=4)
    assert [path.name for path in output.files("eval")] == ["data_tfrecord-00000-of-00001.gz"]
    assert output.records("eval") == []


@pytest.mark.parametrize("kept", [0.5, None], ids=["cut short", "with a flipped bit"])
def test_a_corrupt_file_of_a_prepared_dataset_is_named(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any], kept: float | None
) -> None:
    directory = store({"image": image(8, 8, 1)}, train=[{"image": pixels} for pixels in pictures(50, 8, 8, 1)])
    (file,) = directory.glob("*tfrecord*")
    content = bytearray(file.read_bytes())
    if kept is None:
        content[len(content) // 2] ^= 1
    else:
        del content[int(len(content) * kept) :]
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"^\S+tiny-train.tfrecord-00000-of-00001 is missing, cut short or corrupt") as caught:
        run_component(directory=directory, splits={"train": "train"})
    assert "while running" not in str(caught.value)


def test_a_file_that_is_deleted_while_it_is_read_is_named(tmp_path: Path) -> None:
    gone = RecordRange(str(tmp_path / "gone.tfrecord"), 0, 1)
    writer = RecordWriter(tfds.features.FeaturesDict({"image": image(4, 4, 1)}), ImageFeatures("image", None, (4, 4, 1), True))
    with pytest.raises(DataError, match=r"^\S+gone.tfrecord is missing, cut short or corrupt"):
        writer.write(Shard("train", 0, 1, (gone,)), str(tmp_path / "out"))


def test_a_file_that_ends_between_two_records_is_noticed(
    store: Callable[..., Path], run_component: Callable[..., Any], pictures: Callable[..., Any]
) -> None:
    directory = store({"image": image(8, 8, 1)}, train=[{"image": pixels} for pixels in pictures(50, 8, 8, 1)])
    (file,) = directory.glob("*tfrecord*")
    records = list(tf.data.TFRecordDataset(str(file)).take(47).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record)
    with pytest.raises(DataError, match="it ends 3 records too early"):
        run_component(directory=directory, splits={"train": "train"})
