"""Runs of the pipeline on Kubeflow, once or on a schedule: one schedule a pipeline."""

import contextlib
import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.client import Version, equals, everything, experiment_of, is_undecided, upload
from pipelines.kubeflow.parameters import Parameters


@dataclass(frozen=True)
class Schedule:
    """A recurring run.

    Attributes:
      id: Kubeflow's.
      name: The pipeline's name.
      cron: Six fields, in UTC; empty for a schedule of another kind, made by hand.
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
    experiment = experiment_of(client, config)
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
    """Uploads the pipeline and makes the schedule that runs it; replaces an earlier one.

    The API cannot change a schedule. So the new one is made disabled, the old one is deleted, and the new one is enabled: two
    never fire, and if anything fails before the old one is deleted, it stays as it was.

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
    experiment = experiment_of(client, config)
    before = _named(client, config.name)
    version = upload(client, config.name, package)
    try:
        made = _create_paused(client, config, experiment, version, cron, parameters)
    except Exception as error:
        _clean_up(client, config, version, before, error)
        raise
    for old in before:
        _replace(client, old, made)
    _enable(client, made)
    return Schedule(made, config.name, cron, enabled=True), len(before)


def list_schedules(client: Any) -> list[Schedule]:
    """All schedules of the namespace, by name."""
    return sorted(_schedules(client), key=lambda found: found.name)


def pause(client: Any, config: PipelineConfig) -> None:
    """Disables the pipeline's schedule; a run that has started continues."""
    for found in _found(client, config):
        client.disable_recurring_run(found.id)


def resume(client: Any, config: PipelineConfig) -> None:
    """Enables the pipeline's schedule: it fires at once if it was due while it was paused.

    Raises:
      PipelineError: There is none; or there are several, which would all fire.
    """
    found = _found(client, config)
    if len(found) > 1:
        raise PipelineError(
            f"There are {len(found)} schedules for {config.name}: run `tfx-vae kubeflow schedule` again, which leaves one."
        )
    client.enable_recurring_run(found[0].id)


def unschedule(client: Any, config: PipelineConfig) -> None:
    """Removes the pipeline's schedule; its pipeline, runs and models stay."""
    for found in _found(client, config):
        client.delete_recurring_run(found.id)


def _create_paused(
    client: Any, config: PipelineConfig, experiment: str, version: Version, cron: str, parameters: Parameters
) -> str:
    made = client.create_recurring_run(
        experiment,
        config.name,
        description=f"Trains {config.name} and pushes the model if it is blessed.",
        cron_expression=cron,
        max_concurrency=1,
        no_catchup=True,
        params=_changes(config, parameters),
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        enabled=False,
        service_account=config.kubeflow.service_account,
    )
    return str(made.recurring_run_id)


def _clean_up(client: Any, config: PipelineConfig, version: Version, before: Sequence[Schedule], error: Exception) -> None:
    """Removes what is left of a schedule that could not be made; errors of its own are not reported."""
    if is_undecided(error):
        with contextlib.suppress(Exception):
            for found in _named(client, config.name):
                if found not in before:
                    client.delete_recurring_run(found.id)
    with contextlib.suppress(Exception):
        client.delete_pipeline_version(version.pipeline_id, version.version_id)


def _replace(client: Any, old: Schedule, made: str) -> None:
    """Deletes an old schedule; if that fails, deletes the new one, so that the old one stays as it was."""
    try:
        client.delete_recurring_run(old.id)
    except Exception as error:
        if _is_there(client, old, error):
            with contextlib.suppress(Exception):  # it is paused, so it does no harm
                client.delete_recurring_run(made)
            raise


def _is_there(client: Any, old: Schedule, error: Exception) -> bool:
    """Whether a schedule that could not be deleted still exists: the answer may have been lost, or another user was faster."""
    try:
        return old.id in {found.id for found in _named(client, old.name)}
    except Exception:
        raise PipelineError(
            "Kubeflow does not answer any more. The old schedule may be deleted and the new one not yet enabled: when Kubeflow "
            "answers again, run `tfx-vae kubeflow schedule` again."
        ) from error


def _enable(client: Any, made: str) -> None:
    try:
        client.enable_recurring_run(made)
    except Exception as error:
        raise PipelineError(
            "The schedule is made, but Kubeflow did not confirm that it is enabled: when Kubeflow answers again, run "
            "`tfx-vae kubeflow resume`."
        ) from error


def _found(client: Any, config: PipelineConfig) -> list[Schedule]:
    found = _named(client, config.name)
    if not found:
        raise PipelineError(f"There is no schedule for {config.name}: `tfx-vae kubeflow schedules` lists all.")
    return found


def _named(client: Any, name: str) -> list[Schedule]:
    """The schedules of a pipeline, in any experiment."""
    return _schedules(client, filter=equals("display_name", name))


def _schedules(client: Any, **query: Any) -> list[Schedule]:
    namespace = client.get_user_namespace() or None
    return [_schedule(run) for run in everything(client.list_recurring_runs, "recurring_runs", namespace=namespace, **query)]


def _schedule(run: Any) -> Schedule:
    cron = run.trigger.cron_schedule.cron if run.trigger and run.trigger.cron_schedule else ""
    return Schedule(run.recurring_run_id, run.display_name, cron or "", run.status == "ENABLED")


def _changes(config: PipelineConfig, parameters: Parameters) -> dict[str, Any]:
    """Only what differs from the defaults, which are in the pipeline itself."""
    defaults = asdict(Parameters.of(config))
    return {name: value for name, value in asdict(parameters).items() if value != defaults[name]}
