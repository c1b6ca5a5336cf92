"""TensorFlow's own errors about files, as Python's."""

import errno
from typing import Final

import tensorflow as tf

_NUMBERS: Final = {
    tf.errors.RESOURCE_EXHAUSTED: errno.ENOSPC,
    tf.errors.PERMISSION_DENIED: errno.EACCES,
    tf.errors.NOT_FOUND: errno.ENOENT,
}


def as_os_error(error: BaseException) -> OSError | None:
    """The OSError that an error is or stands for, or None.

    TensorFlow writes files without Python and reports a full disk or a directory that cannot be written with errors of its own.
    """
    # Wrapped ones have lost their number; the one inside has it.
    if isinstance(error, OSError) and (error.errno is not None or error.__cause__ is None):
        return error
    if isinstance(error, tf.errors.OpError) and error.error_code in _NUMBERS:
        return OSError(_NUMBERS[error.error_code], error.message)
    return None
