"""`tfx-vae kubeflow`. Imports kfp and TFX only when a command is called."""

import datetime
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import ConfigurationError
from pipelines.kubeflow.cron import check_cron, next_times
from pipelines.local.process import captured_output, prepare_environment
from tfx_vae.kubeflow.connection import client_of, connecting, load
from tfx_vae.kubeflow.watch import logs, report, runs, serving
from tfx_vae.options import config_option, set_option

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.config import PipelineConfig
    from pipelines.kubeflow.parameters import Parameters

_image_option = click.option("--image", help="The image of every step: REPOSITORY/NAME:TAG.")
_param_option = click.option(
    "--param",
    "words",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the run: epochs, latent_dim, beta, dataset or run_date; may be repeated.",
)
_package_option = click.option(
    "--package",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="What `compile` wrote from the same configuration; without it, the pipeline is compiled now, which needs TFX.",
)


@click.group()
def kubeflow() -> None:
    """Run the pipeline on Kubeflow, now or on a schedule.

    docs/kubeflow.md describes how.
    """


@kubeflow.command("compile")
@config_option
@set_option
@_image_option
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--target", type=click.Choice(["kubeflow", "vertex"]), default="kubeflow", show_default=True)
@click.option("--pipeline-root", help="Where artifacts are written, if not to the volume: gs://BUCKET/DIRECTORY.")
def compile_(
    config_path: Path, overrides: tuple[str, ...], image: str | None, output: Path, target: str, pipeline_root: str | None
) -> None:
    """Write the pipeline as YAML for Kubeflow Pipelines or Vertex AI."""
    if pipeline_root is not None:
        overrides = (*overrides, f"runtime.pipeline_root={pipeline_root}")
    config = load(config_path, overrides, image)
    with _quiet_libraries():
        if target == "vertex":
            from pipelines.kubeflow.vertex import compile_for_vertex

            compile_for_vertex(config, output)
        else:
            from pipelines.kubeflow.compile import compile_pipeline

            compile_pipeline(config, output)
    click.echo(f"{config.name} is compiled for {target} to {output}")


@kubeflow.command()
@connecting
@_image_option
@_param_option
@_package_option
def submit(image: str | None, words: tuple[str, ...], package: Path | None, **where: Any) -> None:
    """Upload a new version of the pipeline and run it once."""
    from pipelines.kubeflow import schedules

    with _compiled(image, words, package, **where) as (config, compiled, parameters), client_of(config, **where) as (client, _):
        run = schedules.submit(client, config, compiled, parameters)
    click.echo(f"{config.name} runs as {run}")


@kubeflow.command()
@click.option("--cron", required=True, help='Six fields, seconds first, in UTC: "0 0 3 * * *" is every night at three.')
@connecting
@_image_option
@_param_option
@_package_option
def schedule(cron: str, image: str | None, words: tuple[str, ...], package: Path | None, **where: Any) -> None:
    """Upload a new version of the pipeline and run it on a schedule.

    A pipeline has one schedule: an earlier one is replaced. Runs never overlap: one that is due while another is running waits.
    Of the runs that were missed while the schedule was paused, only the last is made up for.
    """
    from rich.console import Console

    from pipelines.kubeflow import schedules

    checked = check_cron(cron)
    with _compiled(image, words, package, **where) as (config, compiled, parameters), client_of(config, **where) as (client, _):
        _, replaced = schedules.schedule(client, config, compiled, checked, parameters)
    click.echo(f"{config.name} is scheduled{', which replaces the earlier schedule' if replaced else ''}")
    Console().print(next_times_table(checked, datetime.datetime.now(datetime.UTC)))


@kubeflow.command("schedules")
@connecting
def schedules_(**where: Any) -> None:
    """List all schedules, with the next time of each."""
    from rich.console import Console
    from rich.table import Table

    from pipelines.kubeflow import schedules

    config = load(where["config_path"], where["overrides"])
    with client_of(config, **where) as (client, _):
        found = schedules.list_schedules(client)
    table = Table("pipeline", "cron (UTC)", "state", "next (UTC)", box=None)
    for item in found:
        state = "active" if item.enabled else "paused"
        table.add_row(item.name, item.cron, state, _next_time(item.cron) if item.enabled else "")
    Console().print(table if found else "There are no schedules.")


@kubeflow.command()
@connecting
def pause(**where: Any) -> None:
    """Pause the pipeline's schedule; a run that has started continues."""
    from pipelines.kubeflow import schedules

    click.echo(f"The schedule of {_change(schedules.pause, where).name} is paused")


@kubeflow.command()
@connecting
def resume(**where: Any) -> None:
    """Resume the pipeline's schedule: it starts a run at once if one was due while it was paused."""
    from pipelines.kubeflow import schedules

    click.echo(f"The schedule of {_change(schedules.resume, where).name} is active")


@kubeflow.command()
@connecting
def unschedule(**where: Any) -> None:
    """Delete the pipeline's schedule; its runs and models stay."""
    from pipelines.kubeflow import schedules

    click.echo(f"The schedule of {_change(schedules.unschedule, where).name} is removed")


def _change(action: Callable[[Any, "PipelineConfig"], object], where: dict[str, Any]) -> "PipelineConfig":
    config = load(where["config_path"], where["overrides"])
    with client_of(config, **where) as (client, _):
        action(client, config)
    return config


@contextmanager
def _compiled(
    image: str | None, words: tuple[str, ...], given: Path | None, config_path: Path, overrides: tuple[str, ...], **_: Any
) -> Iterator[tuple["PipelineConfig", Path, "Parameters"]]:
    from pipelines.kubeflow.parameters import Parameters, as_text, configuration, parse_run_date

    with tempfile.TemporaryDirectory() as directory:
        config = load(config_path, overrides, image)
        parameters = Parameters.of(config).changed(words)
        parse_run_date(parameters.run_date)
        configuration(as_text(config), parameters)  # refuses what a step would refuse
        if given is not None:
            _check_package(given, config)
            yield config, given, parameters
            return
        package = Path(directory) / "pipeline.yaml"
        with _quiet_libraries():
            from pipelines.kubeflow.compile import compile_pipeline

            compile_pipeline(config, package)
        yield config, package, parameters


def _check_package(package: Path, config: "PipelineConfig") -> None:
    """Refuses a file that was not compiled from this configuration."""
    import yaml

    from pipelines.kubeflow.parameters import as_text

    try:
        spec = next(iter(yaml.safe_load_all(package.read_bytes())))
        text = spec["root"]["inputDefinitions"]["parameters"]["configuration"]["defaultValue"]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, StopIteration) as error:
        raise ConfigurationError(f"--package {package}: this is not a file that `tfx-vae kubeflow compile` wrote.") from error
    if text != as_text(config):
        raise ConfigurationError(
            f"--package {package}: it was compiled from other settings; give the same --config and --set, or compile it again."
        )


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Hides what TensorFlow and TFX print when they are imported."""
    prepare_environment()
    with captured_output(Path(os.devnull)):
        yield


def next_times_table(cron: str, now: datetime.datetime) -> "Table":
    """The next three times at which a schedule fires, in UTC and in local time.

    Args:
      cron: From `check_cron`.
      now: With its time zone.
    """
    from rich.table import Table

    table = Table("next", "UTC", "here", box=None)
    for number, time in enumerate(next_times(cron, now, 3), 1):
        table.add_row(str(number), f"{time:%a %Y-%m-%d %H:%M:%S}", f"{time.astimezone():%a %Y-%m-%d %H:%M:%S %Z}")
    return table


def _next_time(cron: str) -> str:
    """When a schedule fires next; empty if its cron was made by hand and is not understood."""
    try:
        times = next_times(check_cron(cron), datetime.datetime.now(datetime.UTC), 1)
    except ConfigurationError:
        return ""
    return f"{times[0]:%Y-%m-%d %H:%M:%S}" if times else ""


for _command in (runs, logs, report, serving):
    kubeflow.add_command(_command)
