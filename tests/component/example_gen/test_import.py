"""TFRecords of tf.Example that exist already, through TFX's launcher."""

import hashlib
from pathlib import Path

import pytest
import tensorflow as tf
from support.light_pipeline import PROJECT, run_light

from components.errors import ConfigurationError
from components.example_gen.import_driver import check_record
from pipelines.config import load_config
from pipelines.local.display import NodeState


def write(path: Path, count: int, **features: tf.train.Feature) -> None:
    """Records of an `image` of their own each, and other features."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else "") as writer:
        for number in range(count):
            image = tf.io.encode_png(tf.constant([[[number]], [[len(path.name)]]], tf.uint8)).numpy()
            feature = {"image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])), **features}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def read(uri: str) -> dict[str, set[bytes]]:
    """The images by split."""
    found = {}
    for split in ("train", "eval", "test"):
        files = [str(path) for path in Path(uri, f"Split-{split}").iterdir()]
        records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
        features = [tf.train.Example.FromString(record).features.feature for record in records]
        found[split] = {one["image"].bytes_list.value[0] for one in features}
    return found


def test_records_are_split_by_their_images_and_each_span_is_one_artifact(tmp_path: Path):
    write(tmp_path / "records" / "1" / "a.tfrecord", 40)
    write(tmp_path / "records" / "1" / "b2.tfrecord.gz", 40)
    write(tmp_path / "records" / "2" / "a.tfrecord", 40)
    settings = [
        "name=records",
        f"runtime.root={tmp_path / 'runs'}",
        f"data.examples={tmp_path}/records/{{SPAN}}/*.tfrecord*",
        "data.window=all",
        "data.fractions={train: 0.5, eval: 0.25, test: 0.25}",
    ]
    config = load_config(PROJECT / "pipelines" / "configs" / "smoke.yaml", settings, base=PROJECT)

    result = run_light(config, ["ImportExampleGen"])["ImportExampleGen"]

    [first, second] = [(one.properties["span"].int_value, read(one.uri)) for one in result.outputs["examples"]]
    assert (first[0], second[0]) == (1, 2)
    assert [sum(map(len, splits.values())) for _, splits in (first, second)] == [80, 40]
    assert all(second[1][split] <= first[1][split] for split in second[1])  # the same images are in the same splits

    # As TFX partitions: a hash of the feature.
    def bucket(image: bytes) -> int:
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))
        return int(hashlib.sha256(feature.SerializeToString(deterministic=True)).hexdigest(), 16) % 10_000

    assert {bucket(image) < 5_000 for image in first[1]["train"]} == {True}
    assert {bucket(image) >= 7_500 for image in first[1]["test"]} == {True}
    again = run_light(config, ["ImportExampleGen"])["ImportExampleGen"]
    assert again.state is NodeState.CACHED


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"image": tf.train.Feature()}, "has image (nothing)."),
        ({"image": tf.train.Feature(float_list=tf.train.FloatList(value=[1]))}, "has image (float)."),
        (
            {"label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"boot"]))},
            "an example must have 'image', the bytes of an image file, and may have 'label', an int64; the first one of",
        ),
    ],
)
def test_records_of_something_else_are_one_sentence(tmp_path: Path, features: dict[str, tf.train.Feature], message: str):
    write(tmp_path / "a.tfrecord", 1, **features)
    with pytest.raises(ConfigurationError) as refusal:
        check_record(tmp_path / "a.tfrecord")
    assert message in str(refusal.value)


def test_a_file_that_holds_no_records_is_one_sentence(tmp_path: Path):
    (tmp_path / "a.tfrecord").write_text("no records, but long enough for the length of one")
    with pytest.raises(ConfigurationError, match=r"data\.examples: .*a\.tfrecord holds no TFRecords of tf\.Example"):
        check_record(tmp_path / "a.tfrecord")
