"""Options that several commands share, and how every command ends if it fails."""

import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import ConfigurationError
from pipelines.local.process import finish_output, prepare_streams

if TYPE_CHECKING:
    from pipelines.config import PipelineConfig

_PROJECT = Path(__file__).parents[1]
_CONFIGS = Path("pipelines", "configs")
DEFAULT_CONFIG = _PROJECT / _CONFIGS / "mnist_vae.yaml"


def _find_config(_context: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    """The file itself, or the one of the package that a name such as `smoke` or `pipelines/configs/smoke.yaml` means."""
    shipped = _PROJECT / _CONFIGS / f"{path.stem}.yaml"
    if path.exists() or path not in (Path(path.stem), _CONFIGS / shipped.name):
        return path
    if os.access(shipped, os.F_OK):
        return shipped
    names = sorted(file.stem for file in shipped.parent.glob("*.yaml"))
    near = get_close_matches(path.stem, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"The names in {_CONFIGS} are {', '.join(names)}."
    raise ConfigurationError(f"The configuration {path} cannot be read: there is no such file. {hint}")


config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CONFIG,
    callback=_find_config,
    show_default="pipelines/configs/mnist_vae.yaml",
    help="The YAML file that describes the pipeline, or the name of one in pipelines/configs: smoke, mnist_ae, ...",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Changes one setting, e.g. --set trainer.epochs=3; may be repeated.",
)


def load_config(path: Path, overrides: Sequence[str] = (), base: Path | None = None) -> "PipelineConfig":
    """See `pipelines.config.load_config`, whose import takes longer than all else that `--help` needs."""
    from pipelines import config

    return config.load_config(path, overrides, base)


class Commands(click.Group):
    """The group of all commands, each of which ends with a sentence and an exit status, whatever it raises."""

    sections: Mapping[str, Sequence[str]] = {}
    """The commands by title, in the order of `--help`. Those in no section come last."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands, by section."""
        named = [name for names in self.sections.values() for name in names]
        rest = [name for name in self.list_commands(ctx) if name not in named]
        for title, names in (*self.sections.items(), ("Commands" if not named else "Others", rest)):
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            if found:
                with formatter.section(title):
                    formatter.write_dl([(name, command.get_short_help_str(formatter.width)) for name, command in found])

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Calls `invoke`, and exits."""
        prepare_streams()
        try:
            return super().main(*arguments, **options)
        finally:
            finish_output()

    def invoke(self, context: click.Context) -> Any:
        """Calls the command that was named."""
        try:
            return super().invoke(context)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own, and what it does itself when the reader has gone
        except Exception as error:
            from rich.console import Console

            from pipelines.local import failures

            sys.exit(failures.tell(error, Console(stderr=True)))
