"""What ends a run early: a failure, told in one sentence, or an interruption, which no library can swallow."""

import errno
import os
import re
import signal
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text

from components import errors

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

# Beam raises a worker's exception again as a RuntimeError whose message is the worker's traceback.
_BEAM_CAUSE = re.compile(r"^(?P<type>[\w.]+(?:Error|Exception|Exit|Interrupt)): (?P<message>.*)", re.MULTILINE)
_BEAM_STEP = re.compile(r"\s*\[while running .*", re.DOTALL)
_ENGINE = re.compile(r"^Pipeline .* failed in state [A-Z]+: ")
_ENGINE_ENDED = (
    "With these words Beam's engine ended the job; its own logs say more (docs/scale.md). The same command continues after the "
    "last finished component."
)
_ERRNO = re.compile(r"\[Errno (\d+)\] [^:]*(?:: '(?P<path>[^']*)')?")


@dataclass(frozen=True)
class Failure:
    """What the user is told.

    Attributes:
      message: What is wrong, where, and how to fix it.
      exit_status: 1 for a failed run, 2 for usage and configuration.
      is_foreseen: False if all that is known is the exception, and only its traceback says more.
    """

    message: str
    exit_status: int
    is_foreseen: bool = True


class ExplainedError(Exception):
    """What was raised in another process, as that process explained it."""

    def __init__(self, failure: Failure, trace: str) -> None:
        """Makes an error.

        Args:
          failure: What the user is told.
          trace: The traceback of that process.
        """
        super().__init__(failure.message)
        self.failure = failure
        self.add_note(f"In another process:\n{trace}")


def explain(error: BaseException, root: Path | None = None) -> Failure:
    """Words an exception for the user.

    Args:
      error: What was raised, by a component, by Beam on behalf of a component, or by the system.
      root: The directory to name if the system does not name a file.

    Returns:
      The message, and the status to exit with.
    """
    for cause in errors.causes(error):
        if isinstance(cause, ExplainedError):
            return cause.failure
        if isinstance(cause, errors.PipelineError):
            # Beam adds where in its graph it was raised.
            status = MISUSED if isinstance(cause, errors.ConfigurationError) else FAILED
            return Failure(_BEAM_STEP.sub("", str(cause)), status)
        if (system := errors.as_os_error(cause)) is not None:
            if _may_be_about_temporary_files(system) and (fault := errors.temporary_files_fault()):
                return Failure(fault, FAILED)
            if system.errno in _OS_ERRORS:
                return Failure(_explain_os_error(system.errno, system.filename or root), FAILED)
        if (failure := _explain_beam(cause, root) or _explain_by_name(cause, root)) is not None:
            return failure
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        return Failure(f"{os.fsdecode(error.filename)}: {error.strerror}.", FAILED, is_foreseen=False)
    first_line = next(iter(str(error).splitlines()), "")
    return Failure(f"{type(error).__name__}: {first_line}", FAILED, is_foreseen=False)


def tell(error: Exception, console: Console, root: Path | None = None, log: Path | None = None) -> int:
    """Prints an exception as `explain` words it.

    Args:
      error: What was raised.
      console: Where to print.
      root: See `explain`.
      log: The file that holds the traceback; None writes one into the temporary directory if nothing else says more.

    Returns:
      The exit status.
    """
    failure = explain(error, root)
    console.print(Text(_printable(failure.message), style="red"), soft_wrap=True)
    if log is None and not failure.is_foreseen:
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(".log", "tfx-vae-")
            os.close(descriptor)
            log = Path(name)
            log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
    if log is not None:
        console.print(f"The log with all details: {log}", highlight=False, markup=False, soft_wrap=True)
    return failure.exit_status


def _printable(text: str) -> str:
    """The text without what a terminal would obey: names of files, and errors that quote them, may hold anything."""
    return "".join(one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text)


_OS_ERRORS = {
    errno.ENOSPC: "The disk is full{where}: free some space and run again; finished work is not repeated.",
    errno.EDQUOT: "The disk quota is used up{where}: free some space and run again; finished work is not repeated.",
    errno.EACCES: "Permission is denied{where}: let this account read and write there, or choose another directory with "
    "--set runtime.root=DIRECTORY.",
    errno.EROFS: "The file system is read-only{where}: choose another directory with --set runtime.root=DIRECTORY.",
    errno.ENAMETOOLONG: "A name is longer than the file system takes{where}: choose a shorter one.",
    errno.ENOTDIR: "There is a file instead of a directory{where}: choose another directory with --set runtime.root=DIRECTORY.",
}


def _may_be_about_temporary_files(error: OSError) -> bool:
    """Libraries write them in many places, and name no file, or one that means nothing to a user."""
    is_elsewhere = error.filename is not None and not str(error.filename).startswith(tempfile.tempdir or "/tmp")
    return error.errno in (errno.ENOENT, errno.ENOSPC) and not is_elsewhere


def _explain_os_error(number: int, path: object) -> str:
    where = f" ({os.fsdecode(path)})" if isinstance(path, str | bytes | os.PathLike) else ""
    return _OS_ERRORS[number].format(where=where)


def _explain_beam(error: BaseException, root: Path | None) -> Failure | None:
    """A known exception inside the traceback that Beam passes on as text."""
    if "[while running" not in str(error):
        return None
    found = list(_BEAM_CAUSE.finditer(_BEAM_STEP.sub("", str(error))))
    if not found:
        return None
    name, message = found[-1]["type"].rpartition(".")[2], found[-1]["message"]
    known = getattr(errors, name, None)
    if isinstance(known, type) and issubclass(known, errors.PipelineError):
        return explain(known(message))
    system = _ERRNO.search(message)
    if system and int(system[1]) in _OS_ERRORS:
        return Failure(_explain_os_error(int(system[1]), system["path"] or root), FAILED)
    return Failure(f"{name}: {message}", FAILED)


def _explain_by_name(error: BaseException, root: Path | None) -> Failure | None:
    """Errors of TensorFlow, ML Metadata and KFP, told by their names, so that none of them is imported for it."""
    message = str(getattr(error, "message", error)).split("\n", 1)[0]
    match type(error).__name__:
        case "DataLossError":
            return Failure(f"A file is corrupt or truncated: {message}. Delete it and run again.", FAILED)
        case "InternalError" if "disk is full" in message:
            return Failure(_explain_os_error(errno.ENOSPC, root), FAILED)
        case "RuntimeError" if _ENGINE.search(message):
            return Failure(f"{_ENGINE.sub('', message)} {_ENGINE_ENDED}", FAILED)
        case "RuntimeError" if "prism binary" in message:
            return Failure(
                f"Beam's PrismRunner could not fetch its program ({message}): name a copy of it with --set "
                "runtime.beam.options.prism_location=FILE, or take --set runtime.beam.runner=FnApiRunner.",
                FAILED,
            )
        case "ModuleNotFoundError" if str(getattr(error, "name", "")).partition(".")[0] in ("kfp", "kfp_server_api"):
            return Failure("Kubeflow's client is not installed: run scripts/setup.sh --extra kubeflow.", MISUSED)
    return None


class Interruption:
    """Whether the run was asked to stop.

    Python raises KeyboardInterrupt wherever it happens to be. If that is a callback, or a broad `except` of a library, the
    exception is lost, and the run would continue to its end.
    """

    def __init__(self) -> None:
        self._is_asked_for = False

    def raise_if_asked_for(self) -> None:
        """Stops the run here at the latest.

        Raises:
          KeyboardInterrupt: The run was asked to stop.
        """
        if self._is_asked_for:
            raise KeyboardInterrupt

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked_for = True
        raise KeyboardInterrupt


@contextmanager
def remembered_interruption() -> Iterator[Interruption]:
    """Raises KeyboardInterrupt for SIGINT and SIGTERM, and remembers it, until it is left. For the main thread."""
    interruption = Interruption()
    previous = {number: signal.signal(number, interruption._handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Lets systemd, Kubernetes and `kill` stop a run as cleanly as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
