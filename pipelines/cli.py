"""The command line. Imports neither tensorflow nor tfx: they take many seconds, and most commands do without them."""

import sys
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from components.errors import ConfigurationError
from pipelines import doctor as doctor_checks
from pipelines import session
from pipelines.config import PipelineConfig, load_config

_LOCK = Path(__file__).parent.parent / "uv.lock"
_DEFAULT_CONFIG = Path(__file__).parent / "configs" / "mnist_vae.yaml"

_config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=_DEFAULT_CONFIG,
    show_default="pipelines/configs/mnist_vae.yaml",
    help="The YAML file that describes the pipeline.",
)
_set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SECTION.KEY=VALUE",
    help="Changes one setting, e.g. --set trainer.epochs=3; may be repeated.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("tfx-vae"), prog_name="tfx-vae")
def main() -> None:
    """Trains, judges and ships autoencoders and variational autoencoders with TFX."""


@main.command()
@_config_option
@_set_option
def run(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Run the pipeline on this machine.

    Exit status: 0 if the run succeeded, also where the model was not blessed; 1 if a component failed; 2 for bad usage or
    configuration.
    """
    sys.exit(session.run(_load(config_path, overrides)))


@main.command("config")
@_config_option
@_set_option
def show_config(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Print the whole configuration, with every default, as YAML."""
    import yaml

    config = _load(config_path, overrides)
    click.echo(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), nl=False)


@main.command()
@_config_option
@_set_option
def doctor(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Say whether this machine can run the pipeline, and how to mend what stands in the way."""
    config = _load(config_path, overrides)
    checks = doctor_checks.run_checks(config.data, config.runtime.root, _LOCK)
    doctor_checks.render(checks, Console())
    sys.exit(0 if doctor_checks.passed(checks) else 1)


def _load(path: Path, overrides: tuple[str, ...]) -> PipelineConfig:
    try:
        return load_config(path, overrides)
    except ConfigurationError as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        sys.exit(2)
