"""Locks on files. The operating system releases them when their process ends, even by a kill."""

import datetime
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from components.errors import PipelineError
from pipelines.mlmd.location import Backend, Location, real_path


def lock_path(location: Location) -> Path | None:
    """The lock of a database, whichever link leads to it; None where the database itself lets many write, as servers do."""
    path = real_path(location.path)
    return path.with_name(f"{path.name}.lock") if location.backend is Backend.SQLITE else None


@contextmanager
def database_lock(location: Location, purpose: str, waiting: Callable[[str], AbstractContextManager[None]]) -> Iterator[None]:
    """Makes every other run, and gc, wait for a SQLite database. Does nothing for a server.

    Args:
      location: The database.
      purpose: What it is locked for, as others will read it: "run 2026-01-31T12-00-00.000000 of mnist-vae".
      waiting: Called if it is taken, with a sentence that says by what; entered while this one waits.

    Raises:
      PipelineError: The file system has no locks, or the directory cannot be written.
    """
    path = lock_path(location)
    if path is None:
        yield
        return
    with _open(path) as file:
        _acquire(file, path, waiting)
        _write_holder(file, purpose)
        try:
            yield
        finally:
            file.truncate(0)
            _release(file)


@contextmanager
def try_lock(path: Path, purpose: str) -> Iterator[str | None]:
    """Locks a file, which is made if it is not there, unless another process has locked it.

    Args:
      path: The file.
      purpose: What it is locked for, as others will read it.

    Yields:
      None; or a description of the holder.

    Raises:
      PipelineError: The file system has no locks, or the directory cannot be written.
    """
    with _open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield _holder(file)
            return
        except OSError as error:
            raise _without_locks(path, error) from error
        _write_holder(file, purpose)
        try:
            yield None
        finally:
            file.truncate(0)
            _release(file)


def is_locked(path: Path) -> bool | None:
    """Whether a process holds the lock of a file; None if the file does not exist or cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Locks a file that exists; `is_locked` tells other processes."""
    with path.open(encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            _release(file)


def _acquire(file: IO[str], path: Path, waiting: Callable[[str], AbstractContextManager[None]]) -> None:
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with waiting(f"Waiting for {_holder(file)} to end: a SQLite database takes one at a time."):
                fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        raise _without_locks(path, error) from error


def _open(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise PipelineError(f"{path} cannot be written ({error.strerror}): fix its permissions.") from error


def _without_locks(path: Path, error: OSError) -> PipelineError:
    return PipelineError(f"{path} cannot be locked ({error.strerror}): choose a file system that has locks.")


def _release(file: IO[str]) -> None:
    """Closing the file is not enough: a process that a library forked may still have it open, and with it the lock."""
    fcntl.flock(file, fcntl.LOCK_UN)


def _write_holder(file: IO[str], purpose: str) -> None:
    since = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
    file.truncate(0)
    file.write(json.dumps({"purpose": purpose, "host": socket.gethostname(), "process": os.getpid(), "since": since}))
    file.flush()


def _holder(file: IO[str]) -> str:
    """The holder of the lock as it described itself, if it has done so already."""
    try:
        file.seek(0)
        holder = json.load(file)
        return f"{holder['purpose']} (process {holder['process']} on {holder['host']}, since {holder['since']})"
    except (ValueError, KeyError, TypeError):
        return "another run"
