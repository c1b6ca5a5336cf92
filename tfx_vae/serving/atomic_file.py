"""Writes a file so that nobody ever finds half of it."""

import os
from pathlib import Path

from components.errors import ConfigurationError, PipelineError


def check_writable(path: Path, overwrite: bool) -> None:
    """Looks before the work is done whether its result can be kept.

    Raises:
      ConfigurationError: The file is there and must not be overwritten, or its directory is not there.
    """
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path} is not a file: name one that is to be written.")
    if path.exists() and not overwrite:
        raise ConfigurationError(f"{path} is there already: --force writes over it, -o names another file.")
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"There is no directory {path.absolute().parent} to write {path.name} to.")


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside the file, and renames.

    Raises:
      PipelineError: It cannot be written; what was there before is still there.
    """
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        try:
            beside.write_bytes(content)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise PipelineError(f"{path} cannot be written: {error.strerror or error}.") from error
