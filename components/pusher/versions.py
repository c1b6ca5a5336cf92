"""Adds a version to a serving directory: it appears complete or not at all.

TensorFlow Serving takes any folder named by a number for a version. What is being copied therefore has another name until it is
complete.
"""

import contextlib
import errno
import logging
import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import psutil

from components.artifacts.serving_directory import version_number
from components.errors import PipelineError

_STAGING: Final = ".pushing"
_STAGING_NAME: Final = re.compile(rf"{re.escape(_STAGING)}-(?P<host>.+)-(?P<process>[0-9]{{1,9}})")
_SECONDS_A_PUSH_MAY_TAKE: Final = 24 * 3600

_READ: Final = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
_ENTER: Final = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH

_LOGGER = logging.getLogger("tfx_vae.pusher")


def next_version(existing: Iterable[str], now: float) -> int:
    """The seconds since 1970, as TFX counts versions, or one more than the newest version if that is not in the past.

    Args:
      existing: Names in the serving directory, of any kind.
      now: Seconds since 1970.

    Raises:
      PipelineError: No number is higher than that of a version which exists.
    """
    numbers = [number for name in existing if (number := version_number(name)) is not None]
    version = max([int(now), *(number + 1 for number in numbers)])
    if version_number(str(version)) is None:
        raise PipelineError(f"No version can be newer than {version - 1} in the serving directory: remove or rename that one.")
    return version


def push(base: Path, copy: Callable[[Path], None]) -> Path:
    """Makes a new version, which every account of this machine may read.

    Args:
      base: The serving directory; made if it does not exist.
      copy: Writes the model into a directory, which it makes itself. Called once; if it fails, nothing is left behind.

    Returns:
      The directory of the version.
    """
    base.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(base)
    with _staging(base) as staging:
        copy(staging)
        _let_others_read(staging)
        return _rename_to_new_version(staging, base)


@contextlib.contextmanager
def _staging(base: Path) -> Iterator[Path]:
    staging = base / f"{_STAGING}-{socket.gethostname()}-{os.getpid()}"
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _let_others_read(staging: Path) -> None:
    """As `chmod -R a+rX`: the umask of the account that trains would hide the model from the account that serves.

    The directories above belong to the user. Where they, too, are closed to other accounts, the log says so.
    """
    is_closed = not staging.stat().st_mode & stat.S_IROTH
    for path in (staging, *staging.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | _READ | (_ENTER if path.is_dir() else 0))
    closed = [directory for directory in staging.absolute().parents if not directory.stat().st_mode & stat.S_IXOTH]
    if is_closed and closed:
        _LOGGER.warning(
            "Only this account can read the pushed model, because of the permissions of %s. If another account serves it: %s",
            closed[-1],
            " && ".join(f"chmod a+rx {directory}" for directory in reversed(closed)),
        )


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
    """Removes what pushes that were killed left behind; neither what another push is writing nor anything else."""
    for staging in base.glob(f"{_STAGING}-*"):
        found = _STAGING_NAME.fullmatch(staging.name)
        # Another push may rename it at any time.
        with contextlib.suppress(FileNotFoundError):
            if found is not None and staging.is_dir() and _is_leftover(staging, found["host"], int(found["process"])):
                shutil.rmtree(staging, ignore_errors=True)


def _is_leftover(staging: Path, host: str, process: int) -> bool:
    if host == socket.gethostname():
        return process == os.getpid() or not psutil.pid_exists(process)
    return time.time() - staging.stat().st_mtime > _SECONDS_A_PUSH_MAY_TAKE
