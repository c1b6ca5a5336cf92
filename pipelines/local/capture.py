"""Sends everything that TFX, Beam and TensorFlow print into a file, and leaves the terminal to us.

C++ code writes to the file descriptors themselves, past `sys.stderr`, so the descriptors are what is redirected.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

# Read when the libraries are imported, so they must be set before.
_QUIET_AND_OFFLINE = {
    "TF_CPP_MIN_LOG_LEVEL": "1",
    "GRPC_VERBOSITY": "ERROR",
    # TensorFlow and tensorflow-datasets would look for a cloud machine's metadata server.
    "NO_GCE_CHECK": "true",
    "GCE_METADATA_TIMEOUT": "1",
}


def prepare_environment() -> None:
    """Sets what the libraries read on import; a value that the user has set stays."""
    for name, value in _QUIET_AND_OFFLINE.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def captured_output(log: Path) -> Iterator[TextIO]:
    """Redirects standard output and error, of Python and of C++, to a file.

    Args:
      log: The file; it is appended to.

    Yields:
      The terminal, or whatever standard output was.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with log.open("a") as file, os.fdopen(os.dup(1), "w") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            with contextlib.suppress(OSError):  # the disk may be full
                sys.stdout.flush()
                sys.stderr.flush()
            for target, descriptor in zip((1, 2), saved, strict=True):
                os.dup2(descriptor, target)
                os.close(descriptor)


def log_to_stderr() -> logging.Handler:
    """Makes Python's logging, absl's and `warnings` write to standard error with the time; absl's own handler is replaced."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    return handler
