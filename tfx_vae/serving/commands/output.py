"""Writes what a command made: JSON or a sheet, completely or not at all."""

import base64
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson

from components.artifacts.image_files import Pixels, encode_png
from components.errors import ConfigurationError, PipelineError
from tfx_vae.serving.commands.options import SheetChoice
from tfx_vae.serving.commands.sheet import Sheet
from tfx_vae.serving.image_batches import printable

FORMAT: Final = 1
_KEPT_IN_MEMORY: Final = 2**24


def print_document(
    head: Mapping[str, Any],
    name: str,
    items: Iterable[Mapping[str, Any]],
    tail: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """Prints a JSON object with a long list, one item per line, once all items are there.

    Numbers that are not finite become null.

    Args:
      head: The entries before the list.
      name: Of the list.
      items: Taken one by one; if one raises, nothing is printed.
      tail: Gives the entries after the list, once it is complete.
    """
    with tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY) as file:
        file.write(b"{" + b"".join(_entry(key, value) + b",\n " for key, value in {"format": FORMAT, **head}.items()))
        file.write(_json(name) + b": [")
        separator = b"\n  "
        for item in items:
            file.write(separator + _json(item))
            separator = b",\n  "
        file.write(b"]" + b"".join(b",\n " + _entry(key, value) for key, value in tail().items()) + b"}\n")
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)


def check_sheet(sheet: SheetChoice) -> None:
    """Checks before the work starts that the sheet can be written.

    Raises:
      ConfigurationError: It cannot.
    """
    if sheet.path is None:
        if sys.stdout.buffer.isatty():
            raise ConfigurationError("-o - writes a PNG file to standard output, which is a terminal: redirect it to a file.")
        return
    if sheet.path.suffix.lower() != ".png":
        raise ConfigurationError(f"{sheet.path} does not end in .png: the sheet is a PNG file.")
    check_writable(sheet.path, sheet.overwrite)


def write_sheet(choice: SheetChoice, sheet: Sheet, description: str) -> None:
    """Writes the sheet, and prints its path and what it shows.

    Raises:
      PipelineError: It cannot be written.
    """
    if choice.path is None:
        sys.stdout.buffer.write(sheet.png())
        click.echo(description, err=True)
        return
    write_whole(choice.path, sheet.png())
    click.echo(f"{printable(choice.path)}: {description}")


def check_writable(path: Path, overwrite: bool) -> None:
    """Checks that a file can be written.

    Raises:
      ConfigurationError: The file exists and may not be overwritten, or its directory does not exist.
    """
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path} is not a regular file: choose another file with -o.")
    if path.exists() and not overwrite:
        raise ConfigurationError(f"{path} exists: overwrite it with --force, or choose another file with -o.")
    if not path.absolute().parent.is_dir():
        raise ConfigurationError(f"{path.name} cannot be written: there is no directory {path.absolute().parent}.")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file next to the destination, then renames it.

    Raises:
      PipelineError: It cannot be written; an existing file is unchanged.
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


def png_json(pixels: Pixels) -> str:
    """An image for JSON: a PNG file in Base64."""
    return base64.b64encode(encode_png(pixels)).decode()


def _entry(key: str, value: Any) -> bytes:
    return _json(key) + b": " + _json(value)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
