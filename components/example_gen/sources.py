"""The files that a prepared dataset was made from, and whether they are still the same."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

RECORD_NAME: Final = "sources.json"
"""Lies beside the prepared records."""


@dataclass(frozen=True)
class SourceFile:
    """What a source file was when a dataset was prepared from it.

    Attributes:
      path: Where it lay.
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
      files: Paths by a name that does not depend on where the files lie.
    """
    return {name: _describe(path) for name, path in files.items()}


def changed_sources(files: Mapping[str, Path], recorded: Mapping[str, SourceFile]) -> list[Path]:
    """The files whose content is not what was recorded, in the order of their names.

    A file of which only one of the two sides knows has not changed: sources may be deleted once they are prepared. One that is
    where it was, as long and as old, is not read again: sources can be larger than the memory.
    """
    return [path for name, path in sorted(files.items()) if name in recorded and _differs(path, recorded[name])]


def write_record(directory: Path, sources: Mapping[str, SourceFile]) -> None:
    """Writes what the dataset in `directory` is being prepared from."""
    content = {name: asdict(source) for name, source in sorted(sources.items())}
    (directory / RECORD_NAME).write_text(json.dumps(content, indent=2), encoding="utf-8")


def read_record(directory: Path) -> dict[str, SourceFile]:
    """What the dataset in `directory` was prepared from; empty if nobody wrote it down."""
    path = directory / RECORD_NAME
    if not path.exists():
        return {}
    return {name: SourceFile(**fields) for name, fields in json.loads(path.read_text(encoding="utf-8")).items()}


def sha256_of(path: Path) -> str:
    """The digest of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
