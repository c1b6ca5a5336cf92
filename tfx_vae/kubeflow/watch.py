"""`tfx-vae kubeflow runs`, `logs`, `report` and `serving`: what is going on in Kubeflow. Imports kfp only when called."""

import datetime
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_vae.kubeflow.connection import client_of, connecting, load

if TYPE_CHECKING:
    from rich.table import Table

_REPORT = "ModelReport"
_STYLES = {"SUCCEEDED": "green", "FAILED": "bold red", "RUNNING": "cyan"}


@click.command()
@click.argument("run", default="")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs to list.")
@connecting
def runs(run: str, limit: int, **where: Any) -> None:
    """List the runs in Kubeflow, or the steps of RUN.

    RUN is an id, the beginning of one, or latest.
    """
    from pipelines.kubeflow import runs as kubeflow_runs
    from tfx_vae.metadata.printing import show_to_person

    config = load(where["config_path"], where["overrides"])
    found, listed = None, []
    with client_of(config, **where) as (client, _):
        if run:
            found = kubeflow_runs.find_run(client, config, run)
            table = _table_of_steps(kubeflow_runs.steps_of(client, found), datetime.datetime.now(datetime.UTC))
        else:
            listed = list(itertools.islice(kubeflow_runs.list_runs(client, config), limit))
            table = _table_of_runs(listed)
    if found is None and not listed:
        click.echo(f"Kubeflow has no runs of {config.name}.")
        return
    if found is not None and found.error:
        click.echo(found.error)
    show_to_person(lambda console: console.print(table))


@click.command()
@click.argument("run", default="latest")
@click.argument("step", default=None, required=False)
@connecting
def logs(run: str, step: str | None, **where: Any) -> None:
    """Print the log of a step of RUN: of the one that failed, or the last one, unless STEP names another.

    RUN is an id, the beginning of one, or latest, which is the default.
    """
    from pipelines.kubeflow import runs as kubeflow_runs

    config = load(where["config_path"], where["overrides"])
    with client_of(config, **where) as (client, connection):
        found = kubeflow_runs.find_run(client, config, run)
        chosen = kubeflow_runs.step_of(client, found, step)
        text = kubeflow_runs.log_of(client, connection, found, chosen)
    click.echo(f"{chosen.name} of run {found.id}: {chosen.state}", err=True)
    click.echo(text, nl=not text.endswith("\n"))


@click.command()
@click.argument("run", default="latest")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; report-RUN.html is the default."
)
@click.option("--no-browser", is_flag=True, help="Only write the file.")
@connecting
def report(run: str, output: Path | None, no_browser: bool, **where: Any) -> None:
    """Fetch the report of RUN, and open it in a browser.

    RUN is an id, the beginning of one, or latest, which is the default.
    """
    from pipelines.kubeflow import runs as kubeflow_runs

    config = load(where["config_path"], where["overrides"])
    with client_of(config, **where) as (client, connection):
        found = kubeflow_runs.find_run(client, config, run)
        step = kubeflow_runs.step_of(client, found, _REPORT)
        page = kubeflow_runs.report_of(client, connection, found, step)
    path = output or Path(f"report-{found.id}.html")
    path.write_bytes(page)
    click.echo(str(path))
    if not no_browser:
        click.launch(str(path))


@click.command()
@connecting
def serving(**where: Any) -> None:
    """Print how to serve the pushed models in the cluster, and how to reach the server."""
    config = load(where["config_path"], where["overrides"])
    namespace = where["namespace"] or config.kubeflow.namespace or "kubeflow"
    click.echo(f"""\
Start TensorFlow Serving on the volume, after the first push; deploy/serving/models.config lists the models:
  kubectl apply -k deploy/serving
From this machine:
  kubectl -n {namespace} port-forward svc/tfx-vae-serving 8501:8501 &
  curl http://localhost:8501/v1/models/{config.name}
In the cluster, over REST and gRPC:
  http://tfx-vae-serving.{namespace}:8501/v1/models/{config.name}:predict
  tfx-vae-serving.{namespace}:8500""")


def _table_of_runs(listed: list[Any]) -> "Table":
    from rich.table import Table

    table = Table("run", "name", "state", "created (UTC)", box=None)
    for run in listed:
        table.add_row(run.id, run.name, _state(run.state), f"{run.created:%Y-%m-%d %H:%M}")
    return table


def _table_of_steps(steps: list[Any], now: datetime.datetime) -> "Table":
    from rich.table import Table

    table = Table("step", "state", "started (UTC)", "seconds", "attempts", box=None)
    for step in steps:
        started = f"{step.started:%Y-%m-%d %H:%M:%S}" if step.started else ""
        seconds = f"{((step.ended or now) - step.started).total_seconds():.0f}" if step.started else ""
        table.add_row(step.name, _state(step.state), started, seconds, str(len(step.pods) or ""))
    return table


def _state(state: str) -> str:
    return f"[{_STYLES.get(state, 'default')}]{state.lower()}[/]"
