"""Temporary files of a run in a directory of its own, so that a later process finds what a killed one has left.

TensorFlow, Beam and TFX write temporary files in many places, and delete them only if the process ends well.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.mlmd.lock import is_locked, locked

_PREFIX: Final = "tfx-vae-run-"
_LOCK: Final = "lock"
_VARIABLE: Final = "TMPDIR"


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Makes this process and its children write temporary files into a new directory, which it deletes at the end.

    First deletes the directories of processes that were killed.
    """
    for directory in abandoned_directories():
        shutil.rmtree(directory, ignore_errors=True)
    before = tempfile.tempdir, os.environ.get(_VARIABLE)
    # It gets its name once it is locked: until then nobody looks at it.
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    (made / _LOCK).touch()
    with locked(made / _LOCK):
        directory = made.rename(made.with_name(made.name.removeprefix(".")))
        tempfile.tempdir = os.environ[_VARIABLE] = str(directory)
        try:
            yield directory
        finally:
            _restore(*before)
            shutil.rmtree(directory, ignore_errors=True)


def abandoned_directories() -> list[Path]:
    """The directories of this user that no running process holds."""
    found = Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")
    return [path for path in found if path.lstat().st_uid == os.getuid() and not is_locked(path / _LOCK)]


def _restore(directory: str | None, variable: str | None) -> None:
    tempfile.tempdir = directory
    if variable is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = variable
