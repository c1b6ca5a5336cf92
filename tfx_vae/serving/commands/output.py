"""Where an answer goes: JSON or a sheet, whole or not at all."""

import base64
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import click
import orjson

from components.errors import ConfigurationError
from tfx_vae.serving.atomic_file import check_writable, write_whole
from tfx_vae.serving.commands.options import SheetChoice
from tfx_vae.serving.images import Pixels, encode_png
from tfx_vae.serving.sheet import Sheet

FORMAT: Final = 1
_KEPT_IN_MEMORY: Final = 2**24


def print_document(
    head: Mapping[str, Any],
    name: str,
    items: Iterable[Mapping[str, Any]],
    tail: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """Prints a JSON object with a long list in it, an item a line, once all items are there.

    Numbers that are not finite become null.

    Args:
      head: What stands before the list.
      name: Of the list.
      items: Taken one by one; if one fails, nothing is printed.
      tail: Gives what stands after the list, once it is complete.
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
    """Looks before the work is done whether the sheet can be written.

    Raises:
      ConfigurationError: It cannot.
    """
    if sheet.path is None:
        if sys.stdout.buffer.isatty():
            raise ConfigurationError("-o - writes a PNG file to standard output, which is a terminal: send it elsewhere.")
        return
    if sheet.path.suffix.lower() != ".png":
        raise ConfigurationError(f"{sheet.path} does not end in .png: the sheet is a PNG file.")
    check_writable(sheet.path, sheet.overwrite)


def write_sheet(choice: SheetChoice, sheet: Sheet, description: str) -> None:
    """Writes the sheet, and says what and where it is.

    Raises:
      PipelineError: It cannot be written.
    """
    if choice.path is None:
        sys.stdout.buffer.write(sheet.png())
        click.echo(description, err=True)
        return
    write_whole(choice.path, sheet.png())
    click.echo(f"{choice.path}: {description}")


def png_json(pixels: Pixels) -> str:
    """An image for JSON: a PNG file in Base64."""
    return base64.b64encode(encode_png(pixels)).decode()


def _entry(key: str, value: Any) -> bytes:
    return _json(key) + b": " + _json(value)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
