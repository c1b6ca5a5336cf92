"""Runs `notify.command` at the end of a run, with one JSON object on its standard input.

The object is made from ML Metadata, so that it is the same for a run on this machine and for one on Kubeflow."""

import json
import logging
import subprocess
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from typing import Any, Final

from components.artifacts.drift import read_summary
from components.artifacts.evaluation import read_evaluation
from components.artifacts.files import readable
from components.artifacts.infra_blessing import BLESSED, REFUSAL
from components.artifacts.serving_directory import PUSHED, PUSHED_VERSION
from components.errors import PipelineError
from pipelines.config import Event, PipelineConfig
from pipelines.mlmd import names
from pipelines.mlmd.connections import open_store

_TIMEOUT_SECONDS: Final = 60
_UNFINISHED: Final = "the run ended before all of its components had run"

_log = logging.getLogger(__name__)


def notify(config: PipelineConfig, run_id: str, reason: str | None = None, has_started: bool = True) -> None:
    """Runs `notify.command` if the run ended in a way that `notify.when` names.

    A command that fails, or takes longer than a minute, is a warning in the log.

    Args:
      config: The configuration of the run.
      run_id: The run, which has ended.
      reason: Why it failed; None if ML Metadata has recorded how it ended.
      has_started: False for a run that was refused: ML Metadata does not know it.
    """
    if config.notify.command is None:
        return
    try:
        description = describe_run(config, run_id, reason, has_started)
        if told := [event for event in _events(description) if event in config.notify.when]:
            _tell(config.notify.command, {"event": told[0], **description})
    except (OSError, ValueError, PipelineError, subprocess.SubprocessError) as error:
        _log.warning("notify.command failed: %s", error)


def describe_run(config: PipelineConfig, run_id: str, reason: str | None = None, has_started: bool = True) -> dict[str, Any]:
    """What `notify.command` gets, except the event; docs/operations.md describes the fields.

    Args:
      config: The configuration of the run.
      run_id: The run.
      reason: See `notify`.
      has_started: See `notify`.
    """
    found = {}
    # The database may be what made the run fail; that is told all the same.
    with suppress(PipelineError) if reason else nullcontext():
        found = _read_record(config, run_id) if has_started else {}
    outputs: dict[str, Any] = found.get("outputs", {})
    description: dict[str, Any] = {
        "pipeline": config.name,
        "run": run_id,
        "state": "complete" if found.get("state") == "complete" and not reason else "failed",
        "reason": reason or found.get("error") or None,
        "blessed": None,
        "refusals": [],
        "metrics": {},
        "drift": None,
        "model": outputs["Model"].uri if "Model" in outputs else None,
        "version": pushed_version(outputs.get("PushedModel")),
        "report": f"{outputs['ModelReport'].uri}/index.html" if "ModelReport" in outputs else None,
        "log": found.get("log") or None,
    }
    if description["state"] == "failed" and description["reason"] is None:
        description["reason"] = _UNFINISHED
    if "ModelEvaluation" in outputs and "ModelBlessing" in outputs:
        with readable(outputs["ModelEvaluation"].uri) as directory:
            evaluation = read_evaluation(directory)
        description["metrics"] = dict(evaluation.metrics)
        description["blessed"] = bool(outputs["ModelBlessing"].custom_properties[BLESSED].int_value)
        description["refusals"] = [] if description["blessed"] else list(evaluation.reasons)
    if "DriftVerdict" in outputs:
        with readable(outputs["DriftVerdict"].uri) as directory:
            drift = read_summary(directory)
        description["drift"] = {"drifted": drift.drifted, "sentence": drift.sentence()} | drift.model_dump(
            include={"champion", "known_images", "new_images", "measures"}
        )
    if "InfraBlessing" in outputs and (refusal := outputs["InfraBlessing"].custom_properties[REFUSAL].string_value):
        description |= {"blessed": False, "refusals": [*description["refusals"], refusal]}
    return description


def outputs_of_run(config: PipelineConfig, run_id: str) -> dict[str, Any]:
    """The artifacts that the components of a run made or found in the cache, by type, as ML Metadata has them."""
    found: dict[str, Any] = _read_record(config, run_id).get("outputs", {})
    return found


def _events(description: dict[str, Any]) -> list[Event]:
    """How the run ended, the most urgent first."""
    happened = {
        Event.FAILED: description["state"] == "failed",
        Event.NOT_BLESSED: description["blessed"] is False,
        Event.DRIFTED: description["drift"] is not None and description["drift"]["drifted"],
        Event.BLESSED: description["blessed"] is True,
    }
    return [Event.FAILED] if happened[Event.FAILED] else [event for event, did in happened.items() if did]


def _tell(command: str, message: dict[str, Any]) -> None:
    result = subprocess.run(
        command, shell=True, input=json.dumps(message), capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
    )
    if result.returncode:
        raise subprocess.SubprocessError(f"exit status {result.returncode}: {(result.stderr or result.stdout).strip()}")


def _read_record(config: PipelineConfig, run_id: str) -> dict[str, Any]:
    store = open_store(config.metadata_location)
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    if context is None:
        return {}
    facts = {name: value.string_value for name, value in context.custom_properties.items()}
    return {
        "state": facts.get(names.STATE),
        "error": facts.get(names.ERROR),
        "log": facts.get(names.LOG),
        "outputs": _outputs(store, store.get_executions_by_context(context.id)),
    }


def _outputs(store: Any, executions: Iterable[Any]) -> dict[str, Any]:
    """The outputs of a run's components, by type. (What a resolver finds is not an output of the run.)"""
    from ml_metadata.proto import metadata_store_pb2

    ids = [execution.id for execution in executions]
    output = metadata_store_pb2.Event.OUTPUT
    events = [event for event in store.get_events_by_execution_ids(ids) if event.type == output] if ids else []
    artifacts = store.get_artifacts_by_id([event.artifact_id for event in events]) if events else []
    live = [artifact for artifact in artifacts if artifact.state == metadata_store_pb2.Artifact.LIVE]
    names_of_types = {type_.id: type_.name for type_ in store.get_artifact_types()}
    return {names_of_types[artifact.type_id]: artifact for artifact in live}


def pushed_version(push: Any | None) -> int | None:
    """The version of a PushedModel as ML Metadata has it; None if nothing was pushed."""
    if push is None or not push.custom_properties[PUSHED].int_value:
        return None
    return int(push.custom_properties[PUSHED_VERSION].string_value)
