"""The command line. Imports neither tensorflow nor tfx: they take many seconds, and most commands do without them."""

import sys
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console

from tfx_vae.compare.command import compare
from tfx_vae.kubeflow import kubeflow
from tfx_vae.metadata.commands import add_commands
from tfx_vae.options import config_option, load_or_exit, set_option
from tfx_vae.serving.commands import add_model_commands
from tfx_vae.sweep.command import sweep

_LOCK = Path(__file__).parent.parent / "uv.lock"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("tfx-vae"), prog_name="tfx-vae")
def main() -> None:
    """Trains, judges and ships autoencoders and variational autoencoders with TFX."""


@main.command()
@config_option
@set_option
@click.option("--scheduled", is_flag=True, help="Do nothing if an earlier run that was started so still goes on.")
def run(config_path: Path, overrides: tuple[str, ...], scheduled: bool) -> None:
    """Run the pipeline on this machine.

    Exit status: 0 if the run succeeded, also where the model was not blessed; 1 if a component failed; 2 for bad usage or
    configuration.
    """
    from pipelines.local import session
    from tfx_vae.scheduled import run_unless_running

    config = load_or_exit(config_path, overrides)
    sys.exit(run_unless_running(config) if scheduled else session.run(config))


@main.command("config")
@config_option
@set_option
def show_config(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Print the whole configuration, with every default, as YAML."""
    import yaml

    config = load_or_exit(config_path, overrides)
    click.echo(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), nl=False)


@main.command()
@config_option
@set_option
def doctor(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Say whether this machine can run the pipeline, and how to mend what stands in the way."""
    from tfx_vae import doctor as doctor_checks

    config = load_or_exit(config_path, overrides)
    checks = doctor_checks.run_checks(config.data, config.runtime.root, _LOCK)
    doctor_checks.render(checks, Console())
    sys.exit(0 if doctor_checks.passed(checks) else 1)


add_commands(main)
add_model_commands(main)
main.add_command(compare)
main.add_command(kubeflow)
main.add_command(sweep)
