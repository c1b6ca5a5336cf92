"""A serving directory: one folder a version, each of which appears whole or not at all.

TensorFlow Serving loads the folder with the highest number below its base path, and takes any folder named by a number for a
version. What is being copied therefore has another name until it is complete.
"""

import errno
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

_STAGING: Final = ".pushing"
_SECONDS_A_PUSH_MAY_TAKE: Final = 24 * 3600


def next_version(existing: Iterable[str], now: float) -> int:
    """The seconds since 1970, as TFX counts versions, or one more than the newest version if that is not in the past.

    Args:
      existing: Names in the serving directory, of whatever kind.
      now: Seconds since 1970.
    """
    numbers = [int(name) for name in existing if name.isascii() and name.isdigit()]
    return max([int(now), *(number + 1 for number in numbers)])


def push(base: Path, copy: Callable[[Path], None]) -> Path:
    """Makes a new version.

    Args:
      base: The serving directory; made if it is not there.
      copy: Writes the model into a directory, which it makes itself. Called once; if it fails, nothing is left behind.

    Returns:
      The directory of the version.
    """
    base.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(base)
    with _staging(base) as staging:
        copy(staging)
        return _rename_to_new_version(staging, base)


@contextmanager
def _staging(base: Path) -> Iterator[Path]:
    staging = base / f"{_STAGING}-{socket.gethostname()}-{os.getpid()}"
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _rename_to_new_version(staging: Path, base: Path) -> Path:
    while True:
        version = base / str(next_version([path.name for path in base.iterdir()], time.time()))
        try:
            # Fails where another push took the same version in the meantime.
            return staging.rename(version)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise


def _remove_leftovers(base: Path) -> None:
    """Removes what pushes that were killed left behind, and not what another one is about to rename."""
    for staging in base.glob(f"{_STAGING}-*"):
        host, _, process = staging.name.removeprefix(f"{_STAGING}-").rpartition("-")
        if host == socket.gethostname():
            is_leftover = int(process) == os.getpid() or not psutil.pid_exists(int(process))
        else:
            is_leftover = time.time() - staging.stat().st_mtime > _SECONDS_A_PUSH_MAY_TAKE
        if is_leftover:
            shutil.rmtree(staging)
