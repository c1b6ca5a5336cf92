"""The command line. Imports neither tensorflow nor tfx: they take many seconds, and most commands need neither."""

import sys
from functools import partial
from pathlib import Path

import click

from tfx_vae.beam_worker import beam_worker
from tfx_vae.compare.command import compare
from tfx_vae.data.command import data
from tfx_vae.decisions import promote, rollback
from tfx_vae.infer import infer
from tfx_vae.kubeflow.command import kubeflow
from tfx_vae.metadata.commands import add_commands
from tfx_vae.options import Commands, config_option, load_config, set_option
from tfx_vae.serving.commands import add_model_commands
from tfx_vae.sweep.command import sweep
from tfx_vae.ui.command import ui

_PROJECT = Path(__file__).parents[1]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tfx-vae", prog_name="tfx-vae")
def main() -> None:
    """Train, evaluate and serve autoencoders and variational autoencoders with TFX."""


@main.command()
@config_option
@set_option
@click.option("--scheduled", is_flag=True, help="Exit if another --scheduled run of this pipeline is still running.")
def run(config_path: Path, overrides: tuple[str, ...], scheduled: bool) -> None:
    """Run the pipeline on this machine.

    Exit status: 0 if the run succeeded, even if the model was not blessed; 1 if a component failed; 2 for wrong usage or
    configuration; 130 if it was interrupted.
    """
    from pipelines.local import session

    config = load_config(config_path, overrides)
    sys.exit(session.run_unless_running(config) if scheduled else session.run(config))


@main.command()
@config_option
@set_option
def tune(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Search for the best settings of the model and its training.

    The section `tuner` of the configuration says what is searched. A search that was interrupted continues. Afterwards
    `tfx-vae run --set tuner.enabled=true` trains with the best settings, and takes the search from the cache.
    """
    from pipelines.config import NotifyConfig
    from pipelines.local import session

    # A search is not a run of the pipeline, so nobody is told.
    config = load_config(config_path, (*overrides, "tuner.enabled=true")).model_copy(update={"notify": NotifyConfig()})
    sys.exit(session.run(config, partial(session.run_through_tfx, until="Tuner")))


@main.command("config")
@config_option
@set_option
def show_config(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Print all settings, defaults included, as YAML."""
    from pipelines.strict_yaml import write_yaml

    config = load_config(config_path, overrides)
    click.echo(write_yaml(config.model_dump(mode="json")), nl=False)


@main.command()
@config_option
@set_option
def doctor(config_path: Path, overrides: tuple[str, ...]) -> None:
    """Check whether this machine can run the pipeline.

    It says how to fix what is missing.
    """
    from rich.console import Console

    from tfx_vae import doctor as doctor_checks

    config = load_config(config_path, overrides)
    checks = doctor_checks.run_checks(config.data, config.runtime.root, _PROJECT)
    doctor_checks.render(checks, Console())
    sys.exit(0 if doctor_checks.passed(checks) else 1)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands and options in a shell.

    For bash, add this line to ~/.bashrc: eval "$(tfx-vae completion bash)". For zsh, add the same with zsh to ~/.zshrc.
    For fish, write the output to ~/.config/fish/completions/tfx-vae.fish.
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None  # click has these three
    click.echo(complete(main, {}, "tfx-vae", "_TFX_VAE_COMPLETE").source())


add_commands(main)
main.add_command(main.commands["report"], "open")
add_model_commands(main)
main.add_command(beam_worker)
main.add_command(compare)
main.add_command(infer)
main.add_command(promote)
main.add_command(rollback)
main.add_command(data)
main.add_command(kubeflow)
main.add_command(sweep)
main.add_command(ui)
main.sections = {
    "Train": ("run", "tune", "sweep", "config", "data", "doctor", "kubeflow", "beam-worker"),
    "Look at results": ("ui", "runs", "show", "report", "open", "compare", "diff", "lineage", "artifacts", "gc"),
    "Decide what is served": ("rollback", "promote"),
    "Use a pushed model": ("serve", "sample", "reconstruct", "encode", "score", "interpolate", "infer"),
    "Shell": ("completion",),
}
