"""Opens a dataset by name or directory, after preparing it where needed, and deals its records out to output files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import tensorflow_datasets as tfds

from components.artifacts.dataset import FEATURES_FILE, INFO_FILE
from components.errors import ConfigurationError, DataError, PipelineError, temporary_files_fault
from components.example_gen.preparation import ensure_prepared
from components.example_gen.private_tfds import parse_builder_name_kwargs

_READABLE_FORMAT: Final = "tfrecord"


@dataclass(frozen=True)
class DatasetLocation:
    """A dataset: by name, or prepared in a directory.

    Attributes:
      dataset: Name in tensorflow-datasets, with its configuration if it has any, e.g. ``"emnist/digits"``.
      version: Version of the named dataset, or None for the newest that is known.
      directory: A dataset that is already prepared, instead of a name.
      data_dir: Where prepared datasets are kept, or None for the default of tensorflow-datasets.
      manual_dir: Where source files lie that need not be downloaded.
    """

    dataset: str | None = None
    version: str | None = None
    directory: Path | None = None
    data_dir: Path | None = None
    manual_dir: Path | None = None


def open_dataset(location: DatasetLocation) -> tfds.core.DatasetBuilder:
    """Opens a dataset for reading, after preparing it if that has not been done or its source files have changed.

    Raises:
      ConfigurationError: If there is no such dataset, configuration or version.
      DataError: If it cannot be prepared: source files are missing, corrupt or cannot be downloaded.
      OSError: If the disk is full or a directory cannot be written.
    """
    if location.directory is not None:
        return _open_directory(location.directory, "prepare that dataset again")
    name, options = _parse(str(location.dataset), location.version)
    if location.data_dir is not None:
        options["data_dir"] = location.data_dir
    builder = _find(name, options)
    prepared = ensure_prepared(builder, location.manual_dir)
    return _open_directory(prepared, _delete(prepared))


def _open_directory(directory: Path, remedy: str) -> tfds.core.DatasetBuilder:
    for name in (INFO_FILE, FEATURES_FILE):
        if not (directory / name).is_file():
            raise ConfigurationError(
                f"{directory} holds no prepared dataset, because it has no {name}: name the directory with {INFO_FILE} and"
                f" {FEATURES_FILE} in it, e.g. <data_dir>/mnist/3.0.1"
            )
    try:
        builder = tfds.builder_from_directory(directory)
    except Exception as error:  # a wrong description leads to any
        _raise_if_about_temporary_files(error)
        damaged = _damaged_description(directory)
        raise DataError(
            f"{damaged} is cut short or corrupt: {remedy}"
            if damaged
            else f"tensorflow-datasets cannot open the dataset in {directory} ({' '.join(str(error).split())}): {remedy}"
        ) from error
    if builder.info.file_format.value != _READABLE_FORMAT:
        raise ConfigurationError(
            f"{directory} holds {builder.info.file_format.value} files, but only {_READABLE_FORMAT} can be read:"
            f" prepare it again with file_format={_READABLE_FORMAT!r}"
        )
    return builder


def _damaged_description(directory: Path) -> Path | None:
    """The first description of a prepared dataset in or below a directory that is not a JSON object."""
    for path in sorted(path for name in (INFO_FILE, FEATURES_FILE) for path in directory.rglob(name)):
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            return path
        if not isinstance(description, dict):
            return path
    return None


def _delete(directory: Path) -> str:
    return f"delete {directory}, so that the next run prepares the dataset again"


def _parse(dataset: str, version: str | None) -> tuple[str, dict[str, Any]]:
    """`emnist/digits:3.1.0` as the name and the options of its builder."""
    try:
        name, options = parse_builder_name_kwargs(dataset)
    except ValueError as error:
        raise ConfigurationError(
            f"{dataset!r} is not the name of a dataset: write e.g. mnist, or emnist/digits with a configuration"
        ) from error
    # Namespaces belong to the community's datasets, which are looked up on the network.
    if name.namespace:
        raise _unknown(dataset)
    if version is not None and options.setdefault("version", version) != version:
        raise ConfigurationError(f"the dataset {dataset!r} names another version than {version!r}: remove one of them")
    return str(name), options


def _find(name: str, options: dict[str, Any]) -> tfds.core.DatasetBuilder:
    try:
        return tfds.builder(name, **options)
    except tfds.core.DatasetNotFoundError as error:
        raise _unknown(name) from error
    except Exception as error:  # so does the code of a dataset
        _raise_if_about_temporary_files(error)
        raise _explain(name, options, error) from error


def _raise_if_about_temporary_files(error: Exception) -> None:
    """A dataset that is not prepared makes a temporary directory as soon as it is opened."""
    if isinstance(error, OSError) and (fault := temporary_files_fault()):
        raise PipelineError(fault) from error


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"tensorflow-datasets knows no dataset {name!r}{_did_you_mean(name, tfds.list_builders(with_community_datasets=False))}"
    )


def _explain(name: str, options: dict[str, Any], error: Exception) -> PipelineError:
    """Why tensorflow-datasets refuses a dataset whose name it knows."""
    if "data_dir" in options and (damaged := _damaged_description(Path(options["data_dir"]) / name)):
        return DataError(f"{damaged} is cut short or corrupt: {_delete(damaged.parent)}")
    builder_class = tfds.builder_cls(name)
    config, version = options.get("config"), options.get("version")
    configs = list(builder_class.builder_configs)
    if config is not None and config not in configs:
        if not configs:
            return ConfigurationError(f"the dataset {name} has no configurations, so not {config!r} either: write only {name}")
        return ConfigurationError(f"the dataset {name} has no configuration {config!r}{_did_you_mean(config, configs)}")
    if version is not None:
        versions = builder_class(**{key: value for key, value in options.items() if key != "version"}).versions
        return ConfigurationError(
            f"the dataset {name} has no version {version!r}: this tensorflow-datasets knows {', '.join(map(str, versions))}"
        )
    return ConfigurationError(f"tensorflow-datasets cannot open {name}: {' '.join(str(error).split())}")


def _did_you_mean(wrong: str, known: list[str]) -> str:
    close = get_close_matches(wrong, known, n=3)
    return f": did you mean {' or '.join(close)}?" if close else "; `tfds.list_builders()` lists what there is"


@dataclass(frozen=True)
class RecordRange:
    """Consecutive records of one prepared file.

    Attributes:
      path: The file.
      skip: Number of records before the first one.
      take: Number of records.
    """

    path: str
    skip: int
    take: int


def split_ranges(builder: tfds.core.DatasetBuilder, splits: Mapping[str, str]) -> dict[str, tuple[RecordRange, ...]]:
    """The records of every split.

    Args:
      builder: A prepared dataset.
      splits: The pipeline's name of each split to its expression, e.g. ``{"train": "train[:55000]"}``.

    Raises:
      ConfigurationError: If an expression is not valid for this dataset.
    """
    ranges = {}
    for split, expression in splits.items():
        try:
            instructions = builder.info.splits[expression].file_instructions
        except (ValueError, KeyError, AssertionError) as error:
            sizes = ", ".join(f"{name} ({info.num_examples:,} examples)" for name, info in builder.info.splits.items())
            raise ConfigurationError(
                f"the split {split} is to be {expression!r}, which {builder.info.full_name} cannot give: it has"
                f" {sizes or 'no splits'}; write the name of one of them, or a part of it such as train[:80%]"
            ) from error
        ranges[split] = tuple(RecordRange(str(part.filename), part.skip, part.take) for part in instructions)
    return ranges


@dataclass(frozen=True)
class Shard:
    """One output file of one split.

    Attributes:
      split: The pipeline's name of the split, e.g. ``"train"``.
      index: Place among the split's files, from 0.
      count: Number of the split's files.
      ranges: The records, in order; none for the only file of an empty split.
    """

    split: str
    index: int
    count: int
    ranges: tuple[RecordRange, ...]

    @property
    def file_name(self) -> str:
        """As the stock ExampleGen names its files, e.g. ``data_tfrecord-00000-of-00004.gz``."""
        return f"data_tfrecord-{self.index:05d}-of-{self.count:05d}.gz"


def plan_shards(split: str, ranges: Sequence[RecordRange], shards: int) -> list[Shard]:
    """Deals a split's records out, in order, to files whose sizes differ by one record at most.

    Args:
      split: The pipeline's name of the split.
      ranges: The split's records, in order.
      shards: The wanted number of files, at least 1.

    Returns:
      `shards` files, or one for each record if there are fewer records, but at least one: an empty split is a split too.
    """
    examples = sum(part.take for part in ranges)
    count = max(1, min(shards, examples))
    bounds = [examples * index // count for index in range(count + 1)]
    return [Shard(split, index, count, _between(ranges, start, stop)) for index, (start, stop) in enumerate(pairwise(bounds))]


def _between(ranges: Sequence[RecordRange], start: int, stop: int) -> tuple[RecordRange, ...]:
    """The records `start` to `stop` (excluded) of all the ranges, counted from 0 over all of them."""
    selected = []
    offset = 0
    for part in ranges:
        first, last = max(start - offset, 0), min(stop - offset, part.take)
        if first < last:
            selected.append(RecordRange(part.path, part.skip + first, last - first))
        offset += part.take
    return tuple(selected)
