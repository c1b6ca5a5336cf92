"""A digest of what a pipeline reads from a dataset."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import tensorflow_datasets as tfds

from components.errors import DataError
from components.example_gen.shards import RecordRange


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
        "features": _sha256(builder.data_path / "features.json"),
        "files": {name: _sha256(builder.data_path / name) for name in names},
        "splits": {
            split: [[PurePosixPath(part.path).name, part.skip, part.take] for part in parts] for split, parts in ranges.items()
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256(path: Any) -> str:
    # Any, because a path of tensorflow-datasets may lead to a bucket.
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise DataError(
            f"{path} is missing from the prepared dataset: delete {path.parent}, so that the next run prepares it again"
        ) from error
