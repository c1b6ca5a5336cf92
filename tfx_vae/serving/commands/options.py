"""The options that several of the commands have, each group of them handed on as one argument."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from components.errors import ConfigurationError, PipelineError
from tfx_vae.options import config_option, fail, load_or_exit, set_option

if TYPE_CHECKING:
    from tfx_vae.serving.opened_model import ModelLocation

Command = Callable[..., None]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, whose shape stays: see docs/serving.md.")


class ImageChoice(NamedTuple):
    """Which images.

    Attributes:
      paths: Files and directories.
      skip_unreadable: Whether files that cannot be read are left out.
    """

    paths: tuple[Path, ...]
    skip_unreadable: bool


class Preparation(NamedTuple):
    """What is done to images; `Target` says more about each.

    Attributes:
      background: Red, green and blue.
      invert: Whether light and dark are exchanged.
      autocontrast: Whether the contrast is stretched.
    """

    background: tuple[int, int, int]
    invert: bool
    autocontrast: bool


class SheetChoice(NamedTuple):
    """Where a sheet goes.

    Attributes:
      path: The file; None is standard output.
      overwrite: Whether a file that is there may go.
    """

    path: Path | None
    overwrite: bool


def model_options(function: Command) -> Command:
    """Adds the options that name a model; hands on `find_model`, which finds it."""

    @config_option
    @set_option
    @click.option("--version", type=int, metavar="N", help="The version that was pushed; the newest otherwise.")
    @click.option(
        "--model",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        help="An exported model in any directory, rather than one that was pushed.",
    )
    @wraps(function)
    def command(
        config_path: Path, overrides: tuple[str, ...], version: int | None, directory: Path | None, **others: Any
    ) -> None:
        if directory is not None and version is not None:
            raise click.UsageError("--version chooses among pushed models, --model takes another one: give one of the two.")

        def find_model() -> "ModelLocation":
            from tfx_vae.serving.opened_model import ModelLocation, locate_directory
            from tfx_vae.serving.pushed import find_pushed

            if directory is not None:
                return locate_directory(directory)
            config = load_or_exit(config_path, overrides)
            return ModelLocation(config.name, *find_pushed(config.serving_dir, version))

        function(find_model=find_model, **others)

    return command


def image_options(function: Command) -> Command:
    """Adds the images and the options that say how they are read; hands on `images` and `preparation`."""

    @click.argument("paths", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @preparation_options
    @click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, rather than stop at the first.")
    @wraps(function)
    def command(paths: tuple[Path, ...], skip_unreadable: bool, **others: Any) -> None:
        function(images=ImageChoice(paths, skip_unreadable), **others)

    return command


def preparation_options(function: Command) -> Command:
    """Adds the options that say what is done to an image; hands on `preparation`."""

    @click.option(
        "--background",
        default="black",
        show_default=True,
        metavar="COLOUR",
        callback=_parse_background,
        help="What lies behind transparent parts, and beside an image of another aspect ratio.",
    )
    @click.option("--invert", is_flag=True, help="Exchange light and dark: for dark strokes on light paper.")
    @click.option("--autocontrast", is_flag=True, help="Make the darkest pixel black and the lightest white: for photographs.")
    @wraps(function)
    def command(background: tuple[int, int, int], invert: bool, autocontrast: bool, **others: Any) -> None:
        function(preparation=Preparation(background, invert, autocontrast), **others)

    return command


def _parse_background(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, int, int]:
    from tfx_vae.serving.images import parse_colour

    try:
        return parse_colour(text)
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from error


def sheet_options(default: str) -> Callable[[Command], Command]:
    """Adds the options that say where a sheet goes; hands on `sheet`.

    Args:
      default: The name of the file if none is given.
    """

    def decorate(function: Command) -> Command:
        @click.option(
            "-o",
            "--output",
            metavar="FILE.png",
            default=default,
            show_default=True,
            help="Where the sheet goes; - is standard output.",
        )
        @click.option("--force", is_flag=True, help="Write over a file that is there.")
        @wraps(function)
        def command(output: str, force: bool, **others: Any) -> None:
            function(sheet=SheetChoice(None if output == "-" else Path(output), force), **others)

        return command

    return decorate


def failures_as_sentences(function: Command) -> Command:
    """Says what went wrong in a sentence, and ends with its exit status."""

    @wraps(function)
    def command(*arguments: Any, **others: Any) -> None:
        try:
            function(*arguments, **others)
        except PipelineError as error:
            fail(error)

    return command
