"""What several commands take, and how they end if it is wrong."""

import sys
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.text import Text

from components.errors import ConfigurationError, PipelineError
from pipelines.config import PipelineConfig, load_config

DEFAULT_CONFIG = Path(__file__).parents[1] / "pipelines" / "configs" / "mnist_vae.yaml"

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CONFIG,
    show_default="pipelines/configs/mnist_vae.yaml",
    help="The YAML file that describes the pipeline.",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Changes one setting, e.g. --set trainer.epochs=3; may be repeated.",
)


def load_or_exit(path: Path, overrides: tuple[str, ...]) -> PipelineConfig:
    """The configuration; where it is wrong, says why and exits with 2."""
    try:
        return load_config(path, overrides)
    except ConfigurationError as error:
        fail(error)


def fail(error: PipelineError) -> NoReturn:
    """Says what is wrong, and exits with 2 for what was asked, 1 for all else."""
    Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
    sys.exit(2 if isinstance(error, ConfigurationError) else 1)
