"""The commands that read ML Metadata, and gc. Each imports what it needs when it is called, so that `--help` stays fast."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_vae.options import config_option, load_config, set_option

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.mlmd.location import Location

metadata_option = click.option(
    "--metadata",
    "url",
    metavar="URL",
    help="The database to use instead of the configured one: sqlite:///FILE, mysql://USER@HOST/DATABASE or "
    "postgresql://USER@HOST/DATABASE. The password comes from TFX_VAE_METADATA_PASSWORD or metadata.password_file.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON in the stable format of docs/metadata.md.")


def add_commands(group: click.Group) -> None:
    """Adds all of them to the command line."""
    for command in (runs, show, report, artifacts, lineage, diff, gc):
        group.add_command(command)


def _command(function: Callable[..., None]) -> click.Command:
    """A command with the options that all of them have."""
    return click.command()(config_option(set_option(metadata_option(_json_option(function)))))


@_command
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N runs.")
def runs(pipeline: str | None, last: int | None, as_json: bool, **where: Any) -> None:
    """List the runs and their results, newest first.

    Losses are means over the test split, in nats per image.
    """
    from tfx_vae.metadata.reader import open_database
    from tfx_vae.metadata.runs import list_runs, print_runs

    with open_database(locate_database(**where)) as database:
        found = list_runs(database, pipeline, last)
    if as_json:
        from tfx_vae.metadata.json_shape import runs_json

        _print_json(runs_json(found))
    else:
        _show(lambda console: print_runs(found, console))


@_command
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Show also inputs, outputs and parameters of each component.")
def show(run: str, everything: bool, as_json: bool, **where: Any) -> None:
    """Show the metrics of RUN, and what each component did.

    RUN is its number, an id, the beginning of an id, `latest`, or the name of a pipeline, which means its newest run.
    """
    from tfx_vae.metadata.reader import open_database
    from tfx_vae.metadata.show import print_run, show_run

    with open_database(locate_database(**where)) as database:
        details = show_run(database, run)
    if as_json:
        from tfx_vae.metadata.json_shape import show_json

        _print_json(show_json(details))
    else:
        _show(lambda console: print_run(details, everything, console))


@_command
@click.argument("run", default="latest")
@click.option("--no-browser", is_flag=True, help="Only print the path.")
def report(run: str, no_browser: bool, as_json: bool, **where: Any) -> None:
    """Open the report of RUN in a browser.

    RUN is its number, an id, the beginning of an id, `latest`, which is the default, or the name of a pipeline.
    """
    from tfx_vae.metadata.reader import open_database
    from tfx_vae.metadata.show import find_report

    with open_database(locate_database(**where)) as database:
        page = find_report(database, run)
    if as_json:
        _print_json({"format": 1, "report": page})
        return
    click.echo(page)
    if not no_browser:
        click.launch(page)


@_command
@click.option("--type", "type_", metavar="TYPE", help="Only artifacts of this type, e.g. Model.")
@click.option("--run", metavar="RUN", help="Only outputs of this run, including those from the cache.")
def artifacts(type_: str | None, run: str | None, as_json: bool, **where: Any) -> None:
    """List the artifacts and their sizes on disk, newest first."""
    from tfx_vae.metadata.artifacts import list_artifacts, print_artifacts
    from tfx_vae.metadata.json_shape import artifacts_json
    from tfx_vae.metadata.reader import open_database

    with open_database(locate_database(**where)) as database:
        found = list_artifacts(database, type_, run)
    if as_json:
        _print_json(artifacts_json(found))
    else:
        _show(lambda console: print_artifacts(found, console))


@_command
@click.argument("artifact")
@click.option("--format", "format_", type=click.Choice(["tree", "mermaid", "dot", "json"]), default="tree", show_default=True)
@click.option("--downstream", is_flag=True, help="Show what was made from ARTIFACT, instead of what it was made from.")
def lineage(artifact: str, format_: str, downstream: bool, as_json: bool, **where: Any) -> None:
    """Trace an artifact to its data, or to what was made from it.

    ARTIFACT is an id, a URI, a version in the serving directory, the name of a dataset, `latest` for the newest version, or the
    name of a pipeline for its newest version.
    """
    from tfx_vae.metadata import drawings
    from tfx_vae.metadata.drawings import print_lineage
    from tfx_vae.metadata.json_shape import lineage_json
    from tfx_vae.metadata.lineage import trace
    from tfx_vae.metadata.reader import open_database

    with open_database(locate_database(**where)) as database:
        found = trace(database, artifact, downstream)
    if as_json or format_ == "json":
        _print_json(lineage_json(found))
    elif format_ == "tree":
        _show(lambda console: print_lineage(found, console))
    else:
        click.echo(drawings.as_mermaid(found) if format_ == "mermaid" else drawings.as_dot(found))


@_command
@click.argument("run_a")
@click.argument("run_b")
@click.option(
    "--all", "everything", is_flag=True, help="Show also the parameters of components, which follow from the settings."
)
def diff(run_a: str, run_b: str, everything: bool, as_json: bool, **where: Any) -> None:
    """Show what differs between two runs.

    It compares settings, metrics, outcome, data and versions. A run is its number, an id, the beginning of an id, `latest`, or
    the name of a pipeline, which means its newest run.
    """
    from tfx_vae.metadata.diff import compare_runs, print_differences
    from tfx_vae.metadata.json_shape import diff_json
    from tfx_vae.metadata.reader import open_database

    with open_database(locate_database(**where)) as database:
        differences = compare_runs(database, run_a, run_b)
    if as_json:
        _print_json(diff_json(differences))
    else:
        _show(lambda console: print_differences(differences, everything, console))


@_command
@click.option(
    "--keep-last",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Keep everything that the newest N runs of each pipeline made or used.",
)
@click.option("--older-than", metavar="AGE", help="Delete only what no run made or used for this long, e.g. 30d or 12h.")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
def gc(keep_last: int, older_than: str | None, dry_run: bool, as_json: bool, **where: Any) -> None:
    """Delete artifacts that no kept model depends on.

    Kept are pushed models, the champion, the newest blessed model, the latest baseline, everything that a running run uses,
    and all that these were made from. Other artifacts are deleted and marked DELETED in ML Metadata, with TFX's working files,
    and checkpoints and logs of old runs. Except temporary files of killed runs, nothing is deleted outside runtime.root, or
    outside the directory of the file that --metadata names. If gc is interrupted, run it again to finish.
    """
    from tfx_vae.metadata.gc.collect import collect, plan_only
    from tfx_vae.metadata.gc.plan import print_plan
    from tfx_vae.metadata.gc.protection import Policy, parse_age
    from tfx_vae.metadata.json_shape import gc_json

    policy = Policy(keep_last, None if older_than is None else parse_age(older_than))
    location, root = locate_database(**where), root_directory(**where)
    plan = plan_only(location, root, policy) if dry_run else collect(location, root, policy, _say_that_it_waits)
    if as_json:
        _print_json(gc_json(plan, dry_run))
    else:
        _show(lambda console: print_plan(plan, dry_run, console))


def locate_database(config_path: Path, overrides: tuple[str, ...], url: str | None) -> "Location":
    """The database that the options mean."""
    from pipelines.mlmd.location import locate

    config = load_config(config_path, overrides)
    if url is None:
        return config.metadata_location
    return locate(url, config.metadata.password_file, config.runtime.root)


def root_directory(config_path: Path, overrides: tuple[str, ...], url: str | None) -> Path:
    """The directory that the runs write to. A file that --metadata names may be a copy: its root is its own directory."""
    from pipelines.mlmd.location import Backend

    location = locate_database(config_path, overrides, url)
    if url is not None and location.backend is Backend.SQLITE:
        return location.path.parent
    return load_config(config_path, overrides).runtime.root


@contextmanager
def _say_that_it_waits(reason: str) -> Iterator[None]:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text(reason, style="yellow"), soft_wrap=True)
    yield


def _show(print_to: "Callable[[Console], None]") -> None:
    from tfx_vae.metadata.printing import show_to_person

    show_to_person(print_to)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
