"""The Beam job of ImageExampleGen: one element for each shard, which is written while its files are read."""

import csv
import io
import json
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.artifacts import dataset as properties
from components.artifacts.features import IMAGE, LABEL, SPLITS
from components.artifacts.image_files import Colour, as_png, canonical_image, pixels_digest
from components.artifacts.labels import write_label_names
from components.artifacts.spans import one_for_each
from components.errors import DataError
from components.example_gen.image_driver import complete_properties
from components.example_gen.image_folder import FoundFile, ImageFolder, choose_split, find_folder
from components.example_gen.ingested import spans_to_read
from components.example_gen.sharded import FILE_FORMAT, UNFINISHED, ShardedExecutor

_NAMED: Final = 3
_LOGGER: Final = logging.getLogger("tfx_vae")

_Broken = tuple[str, str]
"""A file's name and why it cannot be decoded."""


@dataclass(frozen=True)
class _Shard:
    """Some of the files, whose images become one output file in each split."""

    index: int
    count: int
    files: tuple[FoundFile, ...]

    @property
    def file_name(self) -> str:
        """As the stock ExampleGen names its files."""
        return f"data_tfrecord-{self.index:05d}-of-{self.count:05d}.gz"


class Executor(ShardedExecutor):
    """Decodes image files and writes them as GZIP TFRecords of tf.Example."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Called by TFX after the driver, with what the driver added.

        Raises:
          DataError: Too many files cannot be decoded.
          OSError: The disk is full, or the output cannot be written.
        """
        if properties.SPANS not in exec_properties:  # Vertex AI runs no drivers
            exec_properties = complete_properties(exec_properties)
        [first] = output_dict[standard_component_specs.EXAMPLES_KEY]
        spans = spans_to_read(exec_properties)
        output_dict[standard_component_specs.EXAMPLES_KEY] = one_for_each(first, len(spans))
        label_names: list[str] = json.loads(exec_properties[properties.LABEL_NAMES])
        for examples, span in zip(output_dict[standard_component_specs.EXAMPLES_KEY], spans, strict=True):
            folder = find_folder(span.location)
            # A label keeps its number for ever.
            label_names += [name for name in folder.label_names if name not in label_names]
            self._ingest(folder, label_names, examples, exec_properties)
            span.describe(examples, exec_properties[properties.INGESTION], exec_properties[properties.SOURCE_DIGEST])

    def _ingest(
        self, folder: ImageFolder, label_names: Sequence[str], examples: types.Artifact, exec_properties: Mapping[str, Any]
    ) -> None:
        """Writes the examples of one span."""
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        split_uris = {split: artifact_utils.get_split_uri([examples], split) for split in SPLITS}
        unfinished = f"{examples.uri}/{UNFINISHED}"
        for uri in (*split_uris.values(), unfinished):
            fileio.makedirs(uri)
        red, green, blue = json.loads(exec_properties[properties.BACKGROUND])
        write = _WriteShard(
            split_uris=split_uris,
            unfinished=unfinished,
            fractions=json.loads(exec_properties[properties.FRACTIONS]),
            labels=label_names,
            background=(red, green, blue),
            mode=exec_properties.get(properties.MODE),
        )
        self.write_shards(_plan(folder.files, exec_properties[properties.SHARDS]), write)
        broken = _collect_broken(unfinished)
        report = f"{examples.uri}/{properties.BROKEN_FILE}"
        _check_broken(broken, len(folder.files), exec_properties[properties.MAX_BROKEN], report)
        fileio.rmtree(unfinished)
        _write_broken(report, broken)
        if folder.label_names:
            write_label_names(examples.uri, label_names)
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, FILE_FORMAT)
        examples.set_string_custom_property(properties.DATASET, folder.root.name)
        examples.set_int_custom_property(properties.BROKEN, len(broken))


class _WriteShard(beam.DoFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Decodes a shard's files one after another, so that memory holds one image; renames its output when it is complete."""

    def __init__(
        self,
        split_uris: Mapping[str, str],
        unfinished: str,
        fractions: Mapping[str, float],
        labels: Sequence[str],
        background: Colour,
        mode: str | None,
    ) -> None:
        self._split_uris = split_uris
        self._unfinished = unfinished
        self._fractions = fractions
        self._labels = {name: index for index, name in enumerate(labels)}
        self._background = background
        self._mode = mode

    def process(self, shard: _Shard) -> Iterator[None]:
        """Writes one shard."""
        # A runner may try a shard twice, even at the same time.
        attempt = f"{self._unfinished}/{shard.index}-{uuid.uuid4().hex}"
        broken: list[_Broken] = []
        with ExitStack() as stack:
            options = tf.io.TFRecordOptions(compression_type="GZIP")
            writers = {
                split: stack.enter_context(tf.io.TFRecordWriter(f"{attempt}-{split}", options)) for split in self._split_uris
            }
            for file in shard.files:
                try:
                    split, record = self._example(file)
                except DataError as error:
                    broken.append((file.name, str(error).removeprefix(f"{file.name} ")))
                else:
                    writers[split].write(record)
        for split, uri in self._split_uris.items():
            fileio.rename(f"{attempt}-{split}", f"{uri}/{shard.file_name}", overwrite=True)
        with fileio.open(f"{attempt}-broken", "w") as report:
            report.write(json.dumps(broken))
        fileio.rename(f"{attempt}-broken", f"{self._unfinished}/broken-{shard.index:05d}", overwrite=True)
        yield from ()

    def _example(self, file: FoundFile) -> tuple[str, bytes]:
        try:
            content = Path(file.path).read_bytes()
        except OSError as error:
            raise DataError(f"{file.name} cannot be read: {error.strerror}.") from error
        image = canonical_image(content, file.name, self._background, self._mode)
        feature = {IMAGE: tf.train.Feature(bytes_list=tf.train.BytesList(value=[as_png(image)]))}
        if file.label is not None:
            feature[LABEL] = tf.train.Feature(int64_list=tf.train.Int64List(value=[self._labels[file.label]]))
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        split = file.split or choose_split(pixels_digest(image), self._fractions)
        return split, bytes(example.SerializeToString(deterministic=True))


def _plan(files: Sequence[FoundFile], shards: int) -> list[_Shard]:
    """Deals the files out in an order that mixes the labels and is the same in every run."""
    mixed = sorted(files, key=lambda file: sha256(file.name.encode("utf-8", "surrogateescape")).digest())
    count = min(shards, len(mixed))
    return [_Shard(index, count, tuple(mixed[index::count])) for index in range(count)]


def _collect_broken(unfinished: str) -> list[_Broken]:
    broken = []
    for path in fileio.glob(f"{unfinished}/broken-*"):
        with fileio.open(path, "r") as report:
            broken += [(name, reason) for name, reason in json.loads(report.read())]
    return sorted(broken)


def _check_broken(broken: Sequence[_Broken], total: int, most: float, report: str) -> None:
    """Refuses too many broken files, and warns of a few."""
    if not broken:
        return
    what = f"{len(broken):,} of {total:,} files cannot be decoded"
    if len(broken) > most * total:
        named = "; ".join(f"{name} {reason.rstrip('.')}" for name, reason in broken[:_NAMED])
        more = f"; and {len(broken) - _NAMED:,} more" if len(broken) > _NAMED else ""
        raise DataError(
            f"data.images: {what}, more than data.max_broken ({most:g}) allows: {named}{more}. Fix or remove them, or raise"
            " data.max_broken."
        )
    _LOGGER.warning("%s and are left out: %s says why.", what, report)


def _write_broken(path: str, broken: Sequence[_Broken]) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("file", "reason"), *broken])
    with fileio.open(path, "w") as file:
        file.write(table.getvalue())
