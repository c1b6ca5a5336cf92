"""What lies on this machine's disk."""

import os
from collections.abc import Iterator
from pathlib import Path


def local_path(uri: str) -> Path | None:
    """The path that a URI is; None if it is in an object store, or says nothing."""
    return Path(uri) if uri.startswith("/") else None


def size_on_disk(uri: str) -> int | None:
    """The bytes of a file or of all files of a directory; None if there is nothing, or it is not a path on this machine."""
    path = local_path(uri)
    if path is None or not os.path.lexists(path):
        return None
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
