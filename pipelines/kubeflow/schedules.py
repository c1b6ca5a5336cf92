"""Runs of the pipeline on Kubeflow, now and again and again: one schedule a pipeline."""

import contextlib
import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.client import is_undecided
from pipelines.kubeflow.parameters import Parameters
from pipelines.kubeflow.uploads import Version, equals, everything, experiment_of, upload


@dataclass(frozen=True)
class Schedule:
    """A recurring run.

    Attributes:
      id: Kubeflow's.
      name: The pipeline's name.
      cron: Six fields, in UTC; empty where somebody made a schedule of another kind by hand.
      enabled: Whether it fires.
    """

    id: str
    name: str
    cron: str
    enabled: bool


def submit(client: Any, config: PipelineConfig, package: Path, parameters: Parameters) -> str:
    """Uploads the pipeline and starts a run of it.

    Returns:
      The id of the run.
    """
    experiment = experiment_of(client, _experiment(config))
    version = upload(client, config.name, package)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    run = client.run_pipeline(
        experiment,
        f"{config.name} {now}",
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        params=_changes(config, parameters),
        service_account=config.kubeflow.service_account,
    )
    return str(run.run_id)


def schedule(client: Any, config: PipelineConfig, package: Path, cron: str, parameters: Parameters) -> tuple[Schedule, int]:
    """Uploads the pipeline and makes the schedule that runs it, in place of the one that there was.

    The API has no way to change a schedule. The new one is made so that it does not fire, then the old one is deleted, and then
    the new one enabled: there are never two that fire, and if anything fails before the end, the old one is still there alone.

    Args:
      client: From `connected`.
      config: Whose pipeline.
      package: The compiled pipeline.
      cron: From `check_cron`.
      parameters: Of every run.

    Returns:
      The schedule, and how many it replaces.

    Raises:
      PipelineError: What could not be done, and what is left.
    """
    experiment = experiment_of(client, _experiment(config))
    before = _find(client, config.name, experiment)
    version = upload(client, config.name, package)
    made = _create_paused(client, config, experiment, version, cron, parameters)
    try:
        for old in before:
            client.delete_recurring_run(old.id)
    except Exception:
        _delete(client, [made])
        raise
    _enable(client, made)
    return Schedule(made, config.name, cron, enabled=True), len(before)


def list_schedules(client: Any) -> list[Schedule]:
    """All schedules of the namespace, by name."""
    namespace = client.get_user_namespace() or None
    runs = everything(client.list_recurring_runs, "recurring_runs", namespace=namespace)
    return sorted((_schedule(run) for run in runs), key=lambda found: found.name)


def pause(client: Any, config: PipelineConfig) -> None:
    """Keeps the pipeline's schedule from firing; a run that goes on is left alone."""
    for found in _found(client, config):
        client.disable_recurring_run(found.id)


def resume(client: Any, config: PipelineConfig) -> list[Schedule]:
    """Lets the pipeline's schedule fire again; what it missed is not caught up on.

    Returns:
      The schedule.
    """
    found = _found(client, config)
    for paused in found:
        client.enable_recurring_run(paused.id)
    return found


def unschedule(client: Any, config: PipelineConfig) -> None:
    """Removes the pipeline's schedule; its pipeline, runs and models stay."""
    for found in _found(client, config):
        client.delete_recurring_run(found.id)


def _create_paused(
    client: Any, config: PipelineConfig, experiment: str, version: Version, cron: str, parameters: Parameters
) -> str:
    known = {found.id for found in _find(client, config.name, experiment)}
    try:
        made = client.create_recurring_run(
            experiment,
            config.name,
            description=f"Trains {config.name} anew, and pushes what is blessed.",
            cron_expression=cron,
            max_concurrency=1,
            no_catchup=True,
            params=_changes(config, parameters),
            pipeline_id=version.pipeline_id,
            version_id=version.version_id,
            enabled=False,
            service_account=config.kubeflow.service_account,
        )
    except Exception as error:
        if is_undecided(error):
            with contextlib.suppress(Exception):  # the first error is the one that matters
                _delete(client, [found.id for found in _find(client, config.name, experiment) if found.id not in known])
        with contextlib.suppress(Exception):
            client.delete_pipeline_version(version.pipeline_id, version.version_id)
        raise
    return str(made.recurring_run_id)


def _enable(client: Any, made: str) -> None:
    try:
        client.enable_recurring_run(made)
    except Exception as error:
        raise PipelineError(
            "The schedule is made, but could not be enabled, so nothing fires: when Kubeflow answers again, say "
            "`tfx-vae kubeflow resume`."
        ) from error


def _delete(client: Any, ids: list[str]) -> None:
    for made in ids:
        with contextlib.suppress(Exception):  # it is paused, so it does no harm
            client.delete_recurring_run(made)


def _found(client: Any, config: PipelineConfig) -> list[Schedule]:
    # Asked by the name alone, so that no experiment is made for it.
    found = [schedule for schedule in list_schedules(client) if schedule.name == config.name]
    if not found:
        raise PipelineError(f"There is no schedule for {config.name}: `tfx-vae kubeflow schedules` lists those there are.")
    return found


def _find(client: Any, name: str, experiment: str) -> list[Schedule]:
    query = {"experiment_id": experiment, "filter": equals("display_name", name)}
    return [_schedule(run) for run in everything(client.list_recurring_runs, "recurring_runs", **query)]


def _schedule(run: Any) -> Schedule:
    cron = run.trigger.cron_schedule.cron if run.trigger and run.trigger.cron_schedule else ""
    return Schedule(run.recurring_run_id, run.display_name, cron or "", run.status == "ENABLED")


def _experiment(config: PipelineConfig) -> str:
    return config.kubeflow.experiment or config.name


def _changes(config: PipelineConfig, parameters: Parameters) -> dict[str, Any]:
    """Only what differs: everything else is in the pipeline itself."""
    defaults = asdict(Parameters.of(config))
    return {name: value for name, value in asdict(parameters).items() if value != defaults[name]}
