"""Options that several commands share; each group is passed to the command as one argument."""

from collections.abc import Callable
from functools import wraps
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from components.errors import ConfigurationError
from tfx_vae.options import config_option, load_config, set_option

if TYPE_CHECKING:
    from tfx_vae.serving.commands.model import ModelLocation

Command = Callable[..., None]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON in a stable format (docs/serving.md).")


class ImageChoice(NamedTuple):
    """The images that a command reads.

    Attributes:
      paths: Files and directories.
      skip_unreadable: Whether files that cannot be read are left out.
    """

    paths: tuple[Path, ...]
    skip_unreadable: bool


class Preparation(NamedTuple):
    """How images are prepared; `Target` explains each option.

    Attributes:
      background: Red, green and blue; None for the model's.
      invert: Whether light and dark are exchanged.
      autocontrast: Whether the contrast is stretched.
    """

    background: tuple[int, int, int] | None
    invert: bool
    autocontrast: bool


class SheetChoice(NamedTuple):
    """Where a sheet is written.

    Attributes:
      path: The file; None for standard output.
      overwrite: Whether an existing file is replaced.
    """

    path: Path | None
    overwrite: bool


def model_options(function: Command) -> Command:
    """Adds the options that choose a model; passes `find_models`, which finds it, or all versions, the newest first."""

    @config_option
    @set_option
    @click.option("--version", type=int, metavar="N", help="The pushed version to use. Default: the newest.")
    @click.option(
        "--model",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        help="Use the exported model in this directory instead of a pushed one.",
    )
    @wraps(function)
    def command(
        config_path: Path, overrides: tuple[str, ...], version: int | None, directory: Path | None, **others: Any
    ) -> None:
        if directory is not None and version is not None:
            raise click.UsageError("--version chooses a pushed model, --model names another one: use only one of the two.")

        def find_models() -> "list[ModelLocation]":
            from components.artifacts.serving_directory import find_pushed
            from tfx_vae.serving.commands.model import ModelLocation, locate_directory

            if directory is not None:
                return locate_directory(directory)
            config = load_config(config_path, overrides)
            return [ModelLocation(config.name, *pushed) for pushed in find_pushed(config.serving_dir, version)]

        function(find_models=find_models, **others)

    return command


def image_options(function: Command) -> Command:
    """Adds the images and how they are read; passes `images` and `preparation`."""

    @click.argument("paths", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @preparation_options
    @click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read instead of stopping.")
    @wraps(function)
    def command(paths: tuple[Path, ...], skip_unreadable: bool, **others: Any) -> None:
        function(images=ImageChoice(paths, skip_unreadable), **others)

    return command


def preparation_options(function: Command) -> Command:
    """Adds the options of the preparation; passes `preparation`."""

    @click.option(
        "--background",
        metavar="COLOUR",
        callback=_parse_background,
        help="Colour behind transparent parts and beside images of another aspect ratio. Default: the model's, usually black.",
    )
    @click.option("--invert", is_flag=True, help="Exchange light and dark: for dark strokes on light paper.")
    @click.option("--autocontrast", is_flag=True, help="Make the darkest pixel black and the lightest white: for photographs.")
    @wraps(function)
    def command(background: tuple[int, int, int] | None, invert: bool, autocontrast: bool, **others: Any) -> None:
        function(preparation=Preparation(background, invert, autocontrast), **others)

    return command


def _parse_background(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    from components.artifacts.image_files import parse_colour

    try:
        return parse_colour(text)
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from error


def sheet_options(default: str) -> Callable[[Command], Command]:
    """Adds the options of the sheet; passes `sheet`.

    Args:
      default: The default file name.
    """

    def decorate(function: Command) -> Command:
        @click.option(
            "-o",
            "--output",
            metavar="FILE.png",
            help=f"File to write the sheet to; - for standard output. Default: {default}, with a number if that exists.",
        )
        @click.option("--force", is_flag=True, help="Overwrite an existing file.")
        @wraps(function)
        def command(output: str | None, force: bool, **others: Any) -> None:
            path = _free(Path(default), force) if output is None else None if output == "-" else Path(output)
            function(sheet=SheetChoice(path, force), **others)

        return command

    return decorate


def _free(path: Path, overwrite: bool) -> Path:
    """The path, or with the first number that makes it free: samples.png, samples-2.png, ..."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if overwrite or not path.exists() else next(other for other in numbered if not other.exists())
