"""What a process sets up around TFX, Beam and TensorFlow: their environment, standard streams that hold, and a log.

C++ code writes to the file descriptors themselves, past `sys.stderr`, so it is the descriptors that are redirected.
"""

import codecs
import contextlib
import io
import json
import logging
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from components.errors import PipelineError
from components.keras_environment import prepare_keras

_DEFAULTS: Final = {
    "TF_CPP_MIN_LOG_LEVEL": "1",
    "GRPC_VERBOSITY": "ERROR",
    # TensorFlow and tensorflow-datasets would look for a cloud machine's metadata server.
    "NO_GCE_CHECK": "true",
    "GCE_METADATA_TIMEOUT": "1",
    # A process would take all memory of a GPU, and those that it starts to train would find none.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
_ADDRESS_SPACE: Final = 3e9
"""In bytes. To load the smallest model was aborted with 2.05 GB, and succeeded with 3.07 GB."""
_ASCII: Final = {"✓": "+", "✗": "x", "≥": ">=", "≤": "<=", "→": "->", "…": "...", "β": "beta"}
_SPINNER: Final = range(0x2800, 0x2900)
"""Braille, in which rich draws its spinner."""
_SPELL: Final = "tfx-vae"


def prepare_streams() -> None:
    """Makes the standard streams hold; call it first of all.

    A stream that is closed is opened on the null device, or the next file would become standard output. What the terminal
    cannot encode is spelled otherwise. Errors are not lost in errors of writing them.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    if sys.stdout is None:
        sys.stdout = _open_text(io.FileIO(1, "w", closefd=False))
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _open_text(_Lenient(2, "w", closefd=False))
    codecs.register_error(_SPELL, _spell)
    if isinstance(sys.stdout, io.TextIOWrapper):
        with contextlib.suppress(OSError):  # it flushes, and asks a file for its position
            sys.stdout.reconfigure(errors=_SPELL)


def prepare_environment() -> None:
    """Sets what the libraries read when they are imported; call it before that.

    What the user has set stays, except for what would change how Keras computes.

    Raises:
      PipelineError: The limit of the address space is too low for TensorFlow.
    """
    check_address_space(_ADDRESS_SPACE)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    prepare_keras()


def check_address_space(needed: float) -> None:
    """Refuses a limit in which TensorFlow would abort the process, without a word, because it cannot start its threads.

    Args:
      needed: In bytes.

    Raises:
      PipelineError: The limit is lower.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < needed:
        raise PipelineError(
            f"The memory of a process is limited to {limit / 1e9:.1f} GB of addresses, and this needs {needed / 1e9:.0f} GB: "
            "raise the limit with ulimit -v unlimited, or LimitAS= in a systemd unit."
        )


def finish_output() -> None:
    """Drops what standard output still holds if it cannot be written, about which the interpreter would complain at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextlib.contextmanager
def captured_output(log: Path, shown: int = 1) -> Iterator[TextIO]:
    """Redirects standard output and error, of Python and of C++, to a file.

    Args:
      log: The file; it is appended to.
      shown: The descriptor that is still written to: 1 for standard output, 2 for standard error.

    Yields:
      The terminal, or whatever this descriptor was. If that goes away, or is full, what is written to it is dropped.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with log.open("a", encoding="utf-8") as file, _open_text(_Lenient(os.dup(shown), "w")) as terminal:
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


class _Lenient(io.FileIO):
    """A file whose reader may go away, or whose device may be full."""

    def write(self, data: Any) -> int:
        """Writes as much as can be."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _open_text(file: io.FileIO) -> io.TextIOWrapper:
    codecs.register_error(_SPELL, _spell)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, errors=_SPELL, line_buffering=True)


def _spell(error: UnicodeError) -> tuple[str, int]:
    """What to write instead of what cannot be encoded: ASCII that looks alike, or an escape as JSON has it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    spelled = (_ASCII.get(one, "*" if ord(one) in _SPINNER else json.dumps(one)[1:-1]) for one in wrong)
    return "".join(spelled), error.end
