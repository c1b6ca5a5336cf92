"""Says in one sentence what went wrong; the traceback is in the log."""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from components import errors

FAILED = 1
MISUSED = 2

# Beam raises a worker's exception again as a RuntimeError whose message is the worker's traceback.
_BEAM_CAUSE = re.compile(r"^(?P<type>[\w.]+(?:Error|Exception|Exit|Interrupt)): (?P<message>.*)", re.MULTILINE)
_BEAM_STEP = re.compile(r"\s*\[while running .*", re.DOTALL)
_ERRNO = re.compile(r"\[Errno (\d+)\] [^:]*(?:: '(?P<path>[^']*)')?")


@dataclass(frozen=True)
class Failure:
    """What a person is told.

    Attributes:
      message: What is wrong, where, and how to mend it.
      exit_status: 1 for a failed run, 2 for usage and configuration.
    """

    message: str
    exit_status: int


def explain(error: BaseException, root: Path | None = None) -> Failure:
    """Words an exception for a person.

    Args:
      error: What was raised, by a component, by Beam on behalf of a component, or by the system.
      root: The directory that is named where the system does not say which file it was about.

    Returns:
      The message, and the status to exit with.
    """
    for cause in errors.causes(error):
        if isinstance(cause, errors.ConfigurationError):
            return Failure(str(cause), MISUSED)
        if isinstance(cause, errors.PipelineError):
            return Failure(str(cause), FAILED)
        if (system := errors.as_os_error(cause)) is not None and system.errno in _OS_ERRORS:
            return Failure(_explain_os_error(system.errno, system.filename or root), FAILED)
        if (failure := _explain_beam(cause, root) or _explain_by_name(cause, root)) is not None:
            return failure
    first_line = next(iter(str(error).splitlines()), "")
    return Failure(f"{type(error).__name__}: {first_line}", FAILED)


_OS_ERRORS = {
    errno.ENOSPC: "The disk is full{where}: free some space and run again; what is finished will not be done again.",
    errno.EDQUOT: "The disk quota is used up{where}: free some space and run again; what is finished will not be done again.",
    errno.EACCES: "Permission is denied{where}: let this user write there, or choose another directory with "
    "--set runtime.root=DIRECTORY.",
    errno.EROFS: "The file system is read-only{where}: choose another directory with --set runtime.root=DIRECTORY.",
    errno.ENOTDIR: "A file stands where a directory should be{where}: choose another directory with "
    "--set runtime.root=DIRECTORY.",
}


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
    """Errors of TensorFlow and of ML Metadata, told by their names, so that neither is imported for it."""
    message = str(getattr(error, "message", error)).split("\n", 1)[0]
    match type(error).__name__:
        case "DataLossError":
            return Failure(f"A file is corrupt or truncated: {message}. Delete it and run again.", FAILED)
        case "InternalError" if "disk is full" in message:
            return Failure(_explain_os_error(errno.ENOSPC, root), FAILED)
    return None
