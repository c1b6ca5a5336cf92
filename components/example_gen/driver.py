"""Runs before TfdsExampleGen is looked up in the cache: prepares the dataset and digests what will be read from it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import tensorflow_datasets as tfds
from tfx.types.artifact import Artifact

from components.artifacts import dataset as properties
from components.errors import DataError
from components.example_gen.dataset import DatasetLocation, RecordRange, open_dataset, split_ranges
from components.example_gen.records import select_features
from components.private_tfx import CompletingDriver
from components.source_digest import source_digest


class Driver(CompletingDriver):
    """Puts what is read into the cache key, which TFX computes from the execution properties that this driver completes."""

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """Prepares the dataset, and adds what `complete_properties` does.

        Raises:
          ConfigurationError: If the dataset, its version, a feature or a split does not exist.
          DataError: If the dataset cannot be prepared.
          OSError: If the disk is full or a directory cannot be written.
        """
        return complete_properties(parameters)

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Called by TFX's interactive context; see `added_properties`."""
        del pipeline_info, component_info
        return complete_properties(exec_properties)


def complete_properties(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Prepares the dataset where needed, and adds its version, its directory, and digests of its content and of this code."""
    builder = open_dataset(
        DatasetLocation(
            dataset=exec_properties.get(properties.DATASET),
            version=exec_properties.get(properties.VERSION),
            directory=_path(exec_properties, properties.DIRECTORY),
            data_dir=_path(exec_properties, properties.DATA_DIR),
            manual_dir=_path(exec_properties, properties.MANUAL_DIR),
        )
    )
    # Only for its errors: a wrong feature is refused before anything runs.
    select_features(
        builder.info.features,
        exec_properties.get(properties.IMAGE_FEATURE),
        exec_properties.get(properties.LABEL_FEATURE),
    )
    ranges = split_ranges(builder, json.loads(exec_properties[properties.SPLITS]))
    return exec_properties | {
        properties.VERSION: str(builder.version),
        properties.PREPARED_DIRECTORY: str(builder.data_dir),
        properties.CONTENT_DIGEST: content_digest(builder, ranges),
        properties.SOURCE_DIGEST: source_digest("components.example_gen.executor"),
    }


def _path(exec_properties: dict[str, Any], name: str) -> Path | None:
    value = exec_properties.get(name)
    return Path(value) if value else None


def content_digest(builder: tfds.core.DatasetBuilder, ranges: Mapping[str, Sequence[RecordRange]]) -> str:
    """Digests the files that hold the records, which records of them are read, and how they are to be decoded.

    It does not depend on where the dataset lies: the same dataset prepared twice has the same digest.

    Args:
      builder: A prepared dataset.
      ranges: The records of each split.

    Returns:
      64 hexadecimal digits.

    Raises:
      DataError: If a file is missing.
    """
    names = sorted({PurePosixPath(part.path).name for parts in ranges.values() for part in parts})
    content = {
        "version": str(builder.version),
        "features": _sha256(builder.data_path / properties.FEATURES_FILE),
        "files": {name: _sha256(builder.data_path / name) for name in names},
        "splits": {
            split: [[PurePosixPath(part.path).name, part.skip, part.take] for part in parts] for split, parts in ranges.items()
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256(path: Any) -> str:
    # Any, because a path of tensorflow-datasets may lead to a bucket.
    if path.is_dir() or not path.exists():
        raise DataError(
            f"{path} is missing from the prepared dataset: delete {path.parent}, so that the next run prepares it again"
        )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
