"""The errors that a user can fix, and how to find the reason inside the errors of libraries.

The message of each is one sentence, or a few short lines, that says what is wrong, where, and how to fix it. The command prints
only the message; the traceback goes to the log.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from typing import Final


class PipelineError(Exception):
    """A run cannot continue; the message says why. Exit status 1."""


class ConfigurationError(PipelineError):
    """What was asked for cannot be done: a wrong key, value, path or dataset. Exit status 2."""


class DataError(PipelineError):
    """The data that was read is missing, corrupt, or not what the schema says."""


class TrainingDivergedError(PipelineError):
    """The loss became NaN or infinite."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, then what it was raised from, and so on: libraries wrap errors in others to add context."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


_TEMPORARY_BYTES: Final = 1 << 16

_FILE_ERRORS: Final = (
    errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EISDIR,
    errno.ENOTDIR, errno.ENOENT,
)  # fmt: skip
# The number is in the system's words at the end of the message; if it is not, this is what the class means.
_TENSORFLOW_ERRORS: Final = {
    "ResourceExhaustedError": None,  # memory
    "FailedPreconditionError": None,
    "UnknownError": None,
    "PermissionDeniedError": errno.EACCES,
    "NotFoundError": errno.ENOENT,
}


def as_os_error(error: BaseException) -> OSError | None:
    """The OSError that an error is, or that an error of TensorFlow stands for; None if it is neither.

    TensorFlow writes files without Python, and reports a full disk or a forbidden directory with its own errors. They are
    recognised by their names, so that this module need not import TensorFlow.
    """
    if isinstance(error, OSError):
        # An OSError that wraps another has lost the number; the other has it.
        return error if error.errno is not None or error.__cause__ is None else None
    name = type(error).__name__
    if name not in _TENSORFLOW_ERRORS:
        return None
    # "PATH; No space left on device", with the name of the operation before and after it.
    message = str(getattr(error, "message", error)).split("\n", 1)[0]
    number = next((number for number in _FILE_ERRORS if os.strerror(number) in message), _TENSORFLOW_ERRORS[name])
    if number is None:
        return None
    path, separator, _ = message.partition("; ")
    return OSError(number, os.strerror(number), path.rpartition("}} ")[2]) if separator else OSError(number, message)


def temporary_files_fault() -> str:
    """Why no temporary file can be written, and how to fix it, as a sentence; empty if one can be.

    Libraries write temporary files in many places, and their errors name a file that means nothing to a user, or no file.
    """
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(_TEMPORARY_BYTES))
    except OSError as error:
        directory = tempfile.tempdir or os.environ.get("TMPDIR", "/tmp")
        return (
            f"Temporary files cannot be written to {directory} ({error.strerror}): make room there, or name another directory"
            " with the environment variable TMPDIR."
        )
    return ""
