"""`file://` for Beam, which TensorFlow knows and Beam does not: an object store without a cloud.

It is one for all code that takes a URI for a path: `Path("file:///x")` names nothing, as `Path("gs://x")` does.
"""

from collections.abc import Iterator
from typing import Any

from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.localfilesystem import LocalFileSystem

SCHEME = "file"
_PREFIX = f"{SCHEME}://"


class FileUriSystem(FileSystem):
    """Beam finds it among all classes that are derived from its own."""

    def __init__(self, pipeline_options: Any = None) -> None:
        super().__init__(pipeline_options)
        self._local = LocalFileSystem(pipeline_options)

    @classmethod
    def scheme(cls) -> str:
        return SCHEME

    def join(self, basepath: str, *paths: str) -> str:
        return _PREFIX + self._local.join(_bare(basepath), *paths)

    def split(self, path: str) -> tuple[str, str]:
        head, tail = self._local.split(_bare(path))
        return _PREFIX + head, tail

    def mkdirs(self, path: str) -> None:
        self._local.mkdirs(_bare(path))

    def has_dirs(self) -> bool:
        return True

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        yield from map(_prefixed, self._local._list(_bare(dir_or_prefix)))

    def create(self, path: str, *options: Any, **named: Any) -> Any:
        return self._local.create(_bare(path), *options, **named)

    def open(self, path: str, *options: Any, **named: Any) -> Any:
        return self._local.open(_bare(path), *options, **named)

    def copy(self, source: list[str], destination: list[str]) -> None:
        self._local.copy(list(map(_bare, source)), list(map(_bare, destination)))

    def rename(self, source: list[str], destination: list[str]) -> None:
        self._local.rename(list(map(_bare, source)), list(map(_bare, destination)))

    def exists(self, path: str) -> bool:
        return bool(self._local.exists(_bare(path)))

    def size(self, path: str) -> int:
        return int(self._local.size(_bare(path)))

    def last_updated(self, path: str) -> float:
        return float(self._local.last_updated(_bare(path)))

    def checksum(self, path: str) -> str:
        return str(self._local.checksum(_bare(path)))

    def metadata(self, path: str) -> FileMetadata:
        return _prefixed(self._local.metadata(_bare(path)))

    def delete(self, paths: list[str]) -> None:
        self._local.delete(list(map(_bare, paths)))


def _bare(path: str) -> str:
    return path.removeprefix(_PREFIX)


def _prefixed(found: FileMetadata) -> FileMetadata:
    return FileMetadata(_PREFIX + found.path, found.size_in_bytes, found.last_updated_in_seconds)
