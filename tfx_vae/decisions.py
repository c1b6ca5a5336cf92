"""`tfx-vae rollback` and `tfx-vae promote`: a person decides which model is served and is the champion."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_vae.options import config_option, load_config, set_option

if TYPE_CHECKING:
    from pipelines.mlmd.decisions import Place

_why_option = click.option("--why", required=True, metavar="TEXT", help="The reason. `runs`, `lineage` and the report show it.")


@click.command()
@click.argument("version", required=False)
@_why_option
@config_option
@set_option
def rollback(version: str | None, why: str, config_path: Path, overrides: tuple[str, ...]) -> None:
    """Serve an earlier version again, as the champion.

    VERSION is its number; `latest` or the name of the pipeline means the newest one. Without VERSION it is the one that was
    pushed before the served model.
    The model is copied to a new version, because servers take the highest number. The model taken back is never a baseline
    again.
    """
    from pipelines.mlmd.decisions import rollback as decide

    done = decide(_place(config_path, overrides), version, why, _waiting)
    click.echo(f"Version {done.version} is served now, and its model {done.model} is the champion.")
    click.echo(f"Version {done.taken_back} was taken back.")


@click.command()
@click.argument("model", metavar="MODEL|VERSION|RUN")
@_why_option
@config_option
@set_option
def promote(model: str, why: str, config_path: Path, overrides: tuple[str, ...]) -> None:
    """Serve any model on purpose, as the champion.

    It may be blessed or refused. Name it by its version, the id of its Model artifact, or its run; `latest` or the
    name of the pipeline means its newest run. Only its files are checked: look at the report first.
    """
    from pipelines.mlmd.decisions import promote as decide

    done = decide(_place(config_path, overrides), model, why, _waiting)
    click.echo(f"Version {done.version} is served now, and its model {done.model} is the champion.")


def _place(config_path: Path, overrides: tuple[str, ...]) -> "Place":
    from pipelines.mlmd.decisions import Place

    config = load_config(config_path, overrides)
    return Place(config.name, config.pipeline_root, config.serving_dir, config.metadata_location)


@contextmanager
def _waiting(reason: str) -> Iterator[None]:
    click.echo(reason, err=True)
    yield
