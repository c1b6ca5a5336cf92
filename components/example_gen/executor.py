"""The Beam job of TfdsExampleGen: one element for each shard."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow_datasets as tfds
from tfx import types
from tfx.components.example_gen import utils
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.artifacts import dataset as properties
from components.example_gen.dataset import Shard, plan_shards, split_ranges
from components.example_gen.driver import complete_properties
from components.example_gen.records import ImageFeatures, RecordWriter, select_features
from components.example_gen.sharded import FILE_FORMAT, UNFINISHED, ShardedExecutor


class Executor(ShardedExecutor):
    """Writes the splits of a prepared dataset as GZIP TFRecords of tf.Example."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Called by TFX after the driver, with what the driver added.

        Raises:
          DataError: If records of the prepared dataset are missing or corrupt.
          OSError: If the disk is full or the output cannot be written.
        """
        if properties.PREPARED_DIRECTORY not in exec_properties:  # Vertex AI runs no drivers
            exec_properties = complete_properties(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        splits = json.loads(exec_properties[properties.SPLITS])
        builder = tfds.builder_from_directory(exec_properties[properties.PREPARED_DIRECTORY])
        selected = select_features(
            builder.info.features,
            exec_properties.get(properties.IMAGE_FEATURE),
            exec_properties.get(properties.LABEL_FEATURE),
        )
        shards = [
            shard
            for split, ranges in split_ranges(builder, splits).items()
            for shard in plan_shards(split, ranges, exec_properties[properties.SHARDS])
        ]
        examples.split_names = artifact_utils.encode_split_names(list(splits))
        split_uris = {split: artifact_utils.get_split_uri([examples], split) for split in splits}
        unfinished = f"{examples.uri}/{UNFINISHED}"
        for uri in (*split_uris.values(), unfinished):
            fileio.makedirs(uri)
        self.write_shards(shards, _WriteShard(str(builder.data_dir), selected, split_uris, unfinished))
        fileio.rmtree(unfinished)
        _describe(examples, builder, selected, exec_properties[properties.CONTENT_DIGEST])


class _WriteShard(beam.DoFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Writes a shard under another name, and renames it when it is complete."""

    def __init__(self, directory: str, selected: ImageFeatures, split_uris: dict[str, str], unfinished: str) -> None:
        self._directory = directory
        self._selected = selected
        self._split_uris = split_uris
        self._unfinished = unfinished

    def setup(self) -> None:
        """Opens the dataset, once for each worker."""
        features = tfds.builder_from_directory(self._directory).info.features
        self._writer = RecordWriter(features, self._selected)

    def process(self, shard: Shard) -> Iterator[None]:
        """Writes one shard."""
        # A runner may try a shard twice, even at the same time.
        path = f"{self._unfinished}/{shard.split}-{shard.index}-{uuid.uuid4().hex}"
        self._writer.write(shard, path)
        fileio.rename(path, f"{self._split_uris[shard.split]}/{shard.file_name}", overwrite=True)
        yield from ()


def _describe(
    examples: types.Artifact, builder: tfds.core.DatasetBuilder, selected: ImageFeatures, content_digest: str
) -> None:
    """Sets the properties that the stock ExampleGen sets, and what the examples were made from."""
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, FILE_FORMAT)
    examples.set_int_custom_property(utils.SPAN_PROPERTY_NAME, 0)
    examples.set_string_custom_property(utils.FINGERPRINT_PROPERTY_NAME, content_digest)
    config = f"/{builder.builder_config.name}" if builder.builder_config else ""
    examples.set_string_custom_property(properties.DATASET, f"{builder.name}{config}")
    examples.set_string_custom_property(properties.DATASET_VERSION, str(builder.version))
    examples.set_string_custom_property(properties.IMAGE_SHAPE, json.dumps(selected.shape))
