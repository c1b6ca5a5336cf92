"""Wrong data through the real StatisticsGen, ExampleValidator and ValidationGate: each is stopped with its own sentence."""

import gzip
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

import ml_metadata
import numpy as np
import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types.standard_artifacts import Examples

from components.artifacts.data_verdict import PixelSummary
from components.errors import ConfigurationError, DataError
from components.validation.component import ValidationGate
from components.validation.config import ValidationConfig

REPOSITORY = Path(__file__).parents[2]
SCHEMA = REPOSITORY / "schema" / "schema.pbtxt"
UNLABELLED = REPOSITORY / "schema" / "unlabelled.pbtxt"
DEFAULTS = ValidationConfig()
AFTER_THE_GATE = "after_the_gate"

Records = Sequence[bytes]


_numbers = itertools.count()


def another_image() -> bytes:
    """A PNG file that no other example has."""
    return bytes(tf.io.encode_png(np.random.default_rng(next(_numbers)).integers(0, 256, (4, 4, 1), np.uint8)).numpy())


def example(label: int | None = 0, image: bytes | None = b"") -> bytes:
    """An example; an empty image is replaced with one that no other has."""
    features = {}
    if image is not None:
        features["image"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image or another_image()]))
    if label is not None:
        features["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return bytes(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def good(count: int) -> list[bytes]:
    return [example(index % 10) for index in range(count)]


class Project:
    """A pipeline root, its metadata, and splits written as ExampleGen writes them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.connection = metadata.sqlite_metadata_connection_config(str(root / "metadata.db"))

    def write(self, **splits: Records) -> None:
        for split, records in splits.items():
            folder = self.root / "examples" / f"Split-{split}"
            folder.mkdir(parents=True)
            with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
                for record in records:
                    writer.write(record)
        self.splits = "[" + ", ".join(f'"{split}"' for split in splits) + "]"

    def run(self, allow_anomalies: bool = False, schema: Path = SCHEMA, config: ValidationConfig = DEFAULTS) -> None:
        examples = Importer(
            source_uri=str(self.root / "examples"), artifact_type=Examples, properties={"split_names": self.splits}
        ).with_id("examples")
        schema_gen = ImportSchemaGen(schema_file=str(schema))
        statistics = StatisticsGen(examples=examples.outputs["result"], schema=schema_gen.outputs["schema"])
        validator = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema_gen.outputs["schema"])
        gate = ValidationGate(
            examples=examples.outputs["result"],
            config=config,
            anomalies=validator.outputs["anomalies"],
            statistics=statistics.outputs["statistics"],
            allow_anomalies=allow_anomalies,
        )
        # Takes nothing from the gate, as Transform does not.
        after = ImportSchemaGen(schema_file=str(schema)).with_id(AFTER_THE_GATE)
        after.add_upstream_node(gate)
        LocalDagRunner().run(
            Pipeline(
                pipeline_name="validation",
                pipeline_root=str(self.root / "artifacts"),
                components=[after, gate, validator, statistics, schema_gen, examples],
                metadata_connection_config=self.connection,
                enable_cache=True,
                beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"],
            )
        )

    def states(self, node: str) -> list[int]:
        """The last state of each execution of a node, oldest first."""
        store = ml_metadata.MetadataStore(self.connection)
        contexts = [context for context in store.get_contexts_by_type("node") if context.name == f"validation.{node}"]
        executions = store.get_executions_by_context(contexts[0].id) if contexts else []
        return [execution.last_known_state for execution in sorted(executions, key=lambda execution: execution.id)]

    def verdict(self) -> str:
        (artifact,) = ml_metadata.MetadataStore(self.connection).get_artifacts_by_type("DataVerdict")
        return (Path(artifact.uri) / "anomalies.txt").read_text()

    def statistics(self, split: str, feature: str) -> statistics_pb2.FeatureNameStatistics:
        (artifact,) = ml_metadata.MetadataStore(self.connection).get_artifacts_by_type("ExampleStatistics")
        serialized = (Path(artifact.uri) / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        found = statistics_pb2.DatasetFeatureStatisticsList.FromString(serialized).datasets[0].features
        return next(one for one in found if one.path.step[:] == [feature])

    def pixels(self) -> PixelSummary:
        (artifact,) = ml_metadata.MetadataStore(self.connection).get_artifacts_by_type("DataVerdict")
        return PixelSummary.model_validate_json((Path(artifact.uri) / "pixels.json").read_text())


FAILED = metadata_store_pb2.Execution.FAILED
COMPLETE = metadata_store_pb2.Execution.COMPLETE
CACHED = metadata_store_pb2.Execution.CACHED


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_wrong_labels_missing_images_and_empty_splits_stop_the_run_before_the_next_component_and_stop_it_again(
    project: Project,
) -> None:
    wrong_labels = [example(11), example(11), example(12)]
    project.write(train=[*good(197), *wrong_labels], eval=[*good(197), *[example(1, image=None)] * 3], test=[])
    for _ in range(2):
        with pytest.raises(DataError) as error:
            project.run()
    assert str(error.value).splitlines() == [
        "The data is not what the schema says:",
        "  split 'train', feature 'label': 11 and 12 are outside 0 to 9 (3 of 200 examples)",
        "  split 'eval', feature 'image': missing in 3 of 200 examples",
        "  split 'test' is empty",
        "Fix the data, or the schema (data.schema_path) if that is what is wrong, "
        "or continue anyway with --set data.allow_anomalies=true.",
    ]
    assert project.states("ValidationGate") == [FAILED, FAILED]
    assert project.states("ExampleValidator") == [COMPLETE, CACHED]
    assert project.states(AFTER_THE_GATE) == []
    assert project.statistics("train", "label").string_stats.unique == 12
    # Counting how often each image occurs would keep all of them in memory.
    assert project.statistics("train", "image").bytes_stats.common_stats.num_non_missing == 200


def test_allowed_anomalies_are_a_warning_which_the_verdict_keeps(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    project.write(train=[*good(50), example(11)], eval=[])
    with caplog.at_level(logging.WARNING, logger="tfx_vae"):
        project.run(allow_anomalies=True)
    (warning,) = [record for record in caplog.records if record.name == "tfx_vae"]
    sentences = ["split 'train', feature 'label': 11 is outside 0 to 9 (1 of 51 examples)", "split 'eval' is empty"]
    assert warning.levelno == logging.WARNING
    assert warning.getMessage().splitlines()[1:] == [f"  {sentence}" for sentence in sentences]
    assert project.verdict().splitlines() == sentences
    assert project.states(AFTER_THE_GATE) == [COMPLETE]
    with pytest.raises(DataError):
        project.run(allow_anomalies=False)


def test_a_dataset_without_labels_passes_the_schema_for_those_and_not_the_other(project: Project) -> None:
    project.write(train=[example(label=None)] * 20)
    project.run(schema=UNLABELLED)
    assert project.verdict() == ""
    with pytest.raises(DataError, match="feature 'label': missing in all 20 examples"):
        project.run(schema=SCHEMA)


def mnist(prefix: str, count: int) -> list[bytes]:
    """The first digits of one of the original files, as the ExampleGen writes them."""
    with gzip.open(REPOSITORY / "data" / "mnist" / f"{prefix}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16).reshape(count, 28, 28, 1)
    with gzip.open(REPOSITORY / "data" / "mnist" / f"{prefix}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return [example(int(label), tf.io.encode_png(image).numpy()) for image, label in zip(pixels, labels, strict=True)]


def test_the_curated_schema_still_describes_mnist(project: Project) -> None:
    project.write(train=mnist("train", 200), test=mnist("t10k", 200))
    project.run()
    assert project.verdict() == ""
    assert {split: pixels.images for split, pixels in project.pixels().splits.items()} == {"train": 200, "test": 200}
    assert project.pixels().warnings == ()
    assert project.states(AFTER_THE_GATE) == [COMPLETE]


def test_images_of_several_sizes_and_black_images_stop_the_run(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    black = bytes(tf.io.encode_png(np.zeros((4, 4, 1), np.uint8)).numpy())
    wide = bytes(tf.io.encode_png(np.arange(32, dtype=np.uint8).reshape(4, 8, 1)).numpy())
    project.write(train=[*good(50), example(3, wide)], test=[*good(40), example(5, black)])
    with pytest.raises(DataError) as stopped:
        project.run()
    assert str(stopped.value).splitlines() == [
        "The images are not as they should be:",
        "  split 'test': 1 of 41 images have a single colour, such as that of example 41",
        "Fix the data, or continue anyway with --set validation.max_constant=0.025.",
    ]
    with pytest.raises(ConfigurationError, match=r"2 sizes, 4x4 grey \(91 images\), 8x4 grey \(1 image\): set transform"):
        project.run(config=ValidationConfig(max_constant=0.025))
    assert "1 of 41 images have a single colour" in caplog.text
    assert project.states("ValidationGate") == [FAILED, FAILED]
