"""Files on this machine: their sizes, whether two paths mean the same file, and where gc may delete."""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from components import bucket
from pipelines.mlmd.location import DATABASE_NAME, Backend, Location, real_path


def local_path(uri: str) -> Path | None:
    """The path that a URI is, of S3 that of its copy here; None if it is in another object store, or says nothing."""
    return bucket.local(uri) if uri.startswith(("/", bucket.SCHEME)) else None


class RealFiles:
    """Files and directories, compared by device and inode, so that different paths to one file are equal."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Looks at the files as they are now; paths that do not exist are ignored."""
        self._identity = cache(_identity)  # the same directories lie above most of the paths
        real = [real_path(path) for path in paths]
        self._files = {found for path in real if (found := self._identity(path))}
        above = {found for path in real if self._identity(path) for found in self._identities_above(path)}
        self._all = self._files | above

    def overlap(self, path: Path) -> bool:
        """Whether a path is one of the files, or is above or below one."""
        return self._identity(real_path(path)) in self._all or self.contain(path)

    def contain(self, path: Path) -> bool:
        """Whether a path is below one of the directories."""
        return any(found in self._files for found in self._identities_above(real_path(path)))

    def parents_within(self, path: Path) -> list[Path]:
        """The real directories above a path that are among the directories or below one of them."""
        parents = real_path(path).parents
        inside = [index for index, parent in enumerate(parents) if self._identity(parent) in self._files]
        return list(parents[: inside[-1] + 1]) if inside else []

    def _identities_above(self, path: Path) -> Iterator[tuple[int, int]]:
        return (found for parent in path.parents if (found := self._identity(parent)))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def size_on_disk(uri: str) -> int | None:
    """The bytes of a file or of all files of a directory, here or in S3; None if there is nothing, or it is elsewhere."""
    path = local_path(uri)
    if path is None or not os.path.lexists(path):
        return None if path is None else bucket.size(path)
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(_sizes(path))


def _sizes(directory: Path) -> Iterator[int]:
    # Path.walk exists since Python 3.12; os.scandir gives sizes without building paths.
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # deleted meanwhile
        return


class OwnRoot:
    """The directory that the runs of a database write to. Files elsewhere may belong to another database.

    Attributes:
      directory: Its real path.
    """

    def __init__(self, directory: Path, location: Location) -> None:
        """Looks at the files as they are now.

        Args:
          directory: The directory, however it is spelled.
          location: The database.
        """
        self.directory = real_path(directory)
        self._location = location
        self._root = RealFiles([directory])
        self._has_another_database = cache(self._find_another_database)

    def has(self, path: Path) -> bool:
        """Whether a real path is below the directory and not in the root of another database."""
        below = self._root.parents_within(path)
        return bool(below) and not any(self._has_another_database(directory) for directory in below)

    def describe_elsewhere(self) -> str:
        """Why files elsewhere are not deleted."""
        if self._has_another_database(self.directory):
            return f"{self.directory / DATABASE_NAME} is another database, to which the files may belong"
        return f"not where TFX put it below {self.directory}"

    def _find_another_database(self, directory: Path) -> bool:
        database = directory / DATABASE_NAME
        if not database.exists():
            return False
        return self._location.backend is not Backend.SQLITE or not database.samefile(self._location.path)
