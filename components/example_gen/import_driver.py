"""Runs before ImportExampleGen is looked up in the cache: finds the spans, and checks the first record of each."""

import hashlib
from collections.abc import Mapping
from glob import glob
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from google.protobuf.message import DecodeError
from tfx.types.artifact import Artifact
from tfx.types.standard_component_specs import OUTPUT_CONFIG_KEY

from components.artifacts import dataset as properties
from components.artifacts.features import IMAGE, LABEL
from components.errors import ConfigurationError
from components.example_gen.image_spans import has_spans, latest_spans
from components.example_gen.ingested import SpanToRead, ingestion_digest, only_unread, to_read
from components.private_tfx import CompletingDriver
from components.source_digest import source_digest

_KEY: Final = "data.examples"
_SHOWN: Final = 10


class Driver(CompletingDriver):
    """Puts what is read into the cache key, as ImageExampleGen's driver does."""

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """Adds the spans that no earlier run has read, and digests of their files and of this code.

        Raises:
          ConfigurationError: Nothing matches the pattern, or what does are no records of images.
        """
        found = find(parameters)
        completed = parameters | {
            **to_read(found, []),
            properties.INGESTION: ingestion_digest(parameters, (properties.PATTERN, OUTPUT_CONFIG_KEY)),
            properties.SOURCE_DIGEST: source_digest("components.example_gen.import_executor"),
            properties.NEWEST_SPANS: 0,  # see ImageExampleGen's driver
        }
        return only_unread(self, found, completed) if has_spans(parameters[properties.PATTERN]) else completed


def find(parameters: Mapping[str, Any]) -> list[SpanToRead]:
    """The spans of a pattern."""
    spans = latest_spans(parameters[properties.PATTERN], parameters[properties.NEWEST_SPANS], _KEY)
    return [SpanToRead.found(span, _fingerprint) for span in spans]


def _fingerprint(pattern: str) -> str:
    """A digest of names, sizes and times."""
    files = sorted(path for path in map(Path, glob(pattern)) if path.is_file())  # noqa: PTH207 (as TFX does)
    if not files:
        raise ConfigurationError(f"{_KEY}: no file matches {pattern}.")
    check_record(files[0])
    states = [(path.name, status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()]]
    return hashlib.sha256(repr(states).encode()).hexdigest()


def check_record(path: Path) -> None:
    """Refuses a file whose first record has no image.

    Raises:
      ConfigurationError: With the features that it has.
    """
    compression = "GZIP" if path.suffix == ".gz" else ""
    try:
        [record] = list(tf.data.TFRecordDataset(str(path), compression).take(1).as_numpy_iterator()) or [b""]
        features = dict(tf.train.Example.FromString(record).features.feature)
    except (tf.errors.OpError, DecodeError) as error:
        raise ConfigurationError(f"{_KEY}: {path} holds no TFRecords of tf.Example.") from error
    kinds = {name: feature.WhichOneof("kind") or "nothing" for name, feature in sorted(features.items())}
    if kinds.get(IMAGE) != "bytes_list" or kinds.get(LABEL, "int64_list") != "int64_list":
        there = [f"{name} ({kind.removesuffix('_list')})" for name, kind in list(kinds.items())[:_SHOWN]]
        raise ConfigurationError(
            f"{_KEY}: an example must have '{IMAGE}', the bytes of an image file, and may have '{LABEL}', an int64; the first"
            f" one of {path} has {', '.join(there) or 'nothing'}."
        )
