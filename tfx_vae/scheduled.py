"""Runs that cron or a systemd timer starts: two of one pipeline never overlap."""

import click

from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.local import session
from pipelines.mlmd.lock import try_lock
from tfx_vae.options import fail


def run_unless_running(config: PipelineConfig) -> int:
    """Runs a pipeline, unless a run that was started so still goes on.

    Args:
      config: A validated configuration.

    Returns:
      The exit status of `session.run`; 0 where there was nothing to do.
    """
    path = config.runtime.root / f"{config.name}.schedule.lock"
    try:
        with try_lock(path, f"the scheduled run of {config.name}") as holder:
            if holder is None:
                return session.run(config)
            click.echo(f"Nothing is done: {holder} still goes on.")
            return 0
    except PipelineError as error:
        fail(error)
