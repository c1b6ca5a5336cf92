"""What is recorded about the dataset of a pipeline: the properties of TfdsExampleGen, and the sources of prepared records."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from components.errors import DataError

# Execution properties: the parameters of the component.
DATASET: Final = "dataset"
VERSION: Final = "version"
"""The configured version; the driver replaces it with the version that is read."""
DIRECTORY: Final = "directory"
DATA_DIR: Final = "data_dir"
MANUAL_DIR: Final = "manual_dir"
IMAGE_FEATURE: Final = "image_feature"
LABEL_FEATURE: Final = "label_feature"
SPLITS: Final = "splits"
"""JSON: the pipeline's name of each split to its expression."""
SHARDS: Final = "shards"

# Of ImageExampleGen.
IMAGES: Final = "images"
"""A folder or pattern, perhaps with `{SPAN}` and the like."""
PATTERN: Final = "pattern"
"""Of ImportExampleGen: the files, perhaps with `{SPAN}` and the like."""
FRACTIONS: Final = "fractions"
"""JSON: the share of each split."""
BACKGROUND: Final = "background"
"""JSON: red, green and blue behind transparent pixels."""
MODE: Final = "mode"
"""`L` or `RGB`; absent keeps grey images grey."""
NEWEST_SPANS: Final = "newest_spans"
"""How many of the latest spans are read unless they have been; 0 is all of them."""
MAX_BROKEN: Final = "max_broken"
"""The share of files that may be left out because they cannot be decoded."""

# Execution properties that the driver adds.
SPANS: Final = "spans"
"""JSON: where the spans are that are read, the oldest first, and what they hold."""
LABEL_NAMES: Final = "label_names"
"""JSON: the names of labels that have a number already, from earlier spans."""
INGESTION: Final = "ingestion"
"""A digest of the parameters that spans which are used together have in common."""
PREPARED_DIRECTORY: Final = "prepared_directory"
"""The directory of the prepared dataset."""
CONTENT_DIGEST: Final = "content_digest"
"""The digest of the records of the splits."""
SOURCE_DIGEST: Final = "source_digest"
"""The digest of the component's code."""

# Custom properties of the output artifact, which also has `dataset`.
DATASET_VERSION: Final = "dataset_version"
"""`version` is the stock ExampleGen's, an integer."""
IMAGE_SHAPE: Final = "image_shape"
"""JSON: [height, width, channels], null where images differ."""

BROKEN: Final = "broken_files"
"""How many files are left out, because they cannot be decoded."""

BROKEN_FILE: Final = "broken_files.csv"
"""In the directory of the examples: those files with the reasons."""

# In the directory of a prepared dataset.
INFO_FILE: Final = "dataset_info.json"
"""From tensorflow-datasets, written last: without it the dataset is not prepared."""
FEATURES_FILE: Final = "features.json"
"""From tensorflow-datasets."""
SOURCES_FILE: Final = "sources.json"
"""The files that the records were made from."""


@dataclass(frozen=True)
class SourceFile:
    """A source file as it was when a dataset was prepared from it.

    Attributes:
      path: Its absolute path.
      size: Its length in bytes.
      modified_ns: When it was last written, in nanoseconds since the epoch.
      sha256: The digest of its content, 64 hexadecimal digits.
    """

    path: str
    size: int
    modified_ns: int
    sha256: str


def describe_sources(files: Mapping[str, Path]) -> dict[str, SourceFile]:
    """Reads every file once.

    Args:
      files: Paths by a name that does not depend on the files' directory.
    """
    return {name: _describe(path) for name, path in files.items()}


def changed_sources(files: Mapping[str, Path], recorded: Mapping[str, SourceFile]) -> list[Path]:
    """The files whose content is not what was recorded, in the order of their names.

    A file that is in only one of the two does not count: sources may be deleted after preparation. A file with the same
    path, size and time is not read again: sources can be larger than the memory.
    """
    return [path for name, path in sorted(files.items()) if name in recorded and _differs(path, recorded[name])]


def write_sources(directory: Path, sources: Mapping[str, SourceFile]) -> None:
    """Records what the dataset in `directory` is being prepared from."""
    content = {name: asdict(source) for name, source in sorted(sources.items())}
    (directory / SOURCES_FILE).write_text(json.dumps(content, indent=2), encoding="utf-8")


def read_sources(directory: Path) -> dict[str, SourceFile]:
    """What the dataset in `directory` was prepared from; empty if that is not recorded.

    Raises:
      DataError: If the record is cut short or corrupt.
    """
    path = directory / SOURCES_FILE
    if not path.exists():
        return {}
    try:
        return {name: SourceFile(**fields) for name, fields in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is cut short or corrupt: delete it if the source files have not changed since the dataset was prepared, or"
            f" else {directory}, so that the next run prepares the dataset again"
        ) from error


def find_prepared(data_dir: Path, dataset: str, version: str | None) -> Path | None:
    """The directory `<data_dir>/<dataset>/[<configuration>/]<version>` of a dataset that is prepared there.

    Args:
      data_dir: Where prepared datasets are kept.
      dataset: Name in tensorflow-datasets, e.g. ``"emnist/digits"``, perhaps with a version, which is ignored.
      version: e.g. ``"3.0.1"``; None is any.
    """
    prepared = (info.parent for info in sorted((data_dir / dataset.partition(":")[0]).rglob(INFO_FILE)))
    # While tensorflow-datasets writes, the directory is `.incomplete...` or `incomplete...`.
    return next((path for path in prepared if "incomplete" not in path.name and version in (None, path.name)), None)


def sha256_of(path: Path) -> str:
    """The digest of a file's content, 64 hexadecimal digits.

    Raises:
      DataError: If this account may not read it.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: change its permissions so that this account may read it") from error


def _describe(path: Path) -> SourceFile:
    stat = path.stat()
    return SourceFile(str(path.resolve()), stat.st_size, stat.st_mtime_ns, sha256_of(path))


def _differs(path: Path, recorded: SourceFile) -> bool:
    stat = path.stat()
    if stat.st_size != recorded.size:
        return True
    if (str(path.resolve()), stat.st_mtime_ns) == (recorded.path, recorded.modified_ns):
        return False
    return sha256_of(path) != recorded.sha256
