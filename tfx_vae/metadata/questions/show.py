"""What one run did, component by component."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.mlmd import names
from tfx_vae.metadata.entities import Artifact, Direction, Execution, ExecutionState, Snapshot
from tfx_vae.metadata.questions.runs import RunSummary, find_run, summarise
from tfx_vae.metadata.store.database import Database
from tfx_vae.metadata.store.reader import Selection, read_runs, read_snapshot
from tfx_vae.metadata.store.values import parsed

# tfx/orchestration/portable/mlmd/execution_lib.py
_EXECUTION_RESULT = "__execution_result__"


@dataclass(frozen=True)
class ComponentDetails:
    """One component of a run.

    Attributes:
      node: Its id in the pipeline.
      type: Its class.
      execution_id: Its execution in ML Metadata.
      state: How it stands; `cached` if it was served from an earlier run.
      seconds: How long it took; None while it runs.
      inputs: Artifacts by channel.
      outputs: Artifacts by channel; of a Resolver, what it chose.
      parameters: What it was given, JSON decoded.
      error: Why it failed; empty otherwise.
    """

    node: str
    type: str
    execution_id: int
    state: ExecutionState
    seconds: float | None
    inputs: Mapping[str, list[Artifact]]
    outputs: Mapping[str, list[Artifact]]
    parameters: Mapping[str, Any]
    error: str


@dataclass(frozen=True)
class RunDetails:
    """One run.

    Attributes:
      summary: The run in a line.
      log: The path of its log; empty if another runner ran it.
      host: The machine that it ran on; empty if another runner ran it.
      versions: What was installed, by package; empty if another runner ran it.
      components: In the order in which they ran.
    """

    summary: RunSummary
    log: str
    host: str
    versions: Mapping[str, str]
    components: tuple[ComponentDetails, ...]


def show_run(database: Database, name: str) -> RunDetails:
    """Reads all about one run.

    Args:
      database: An open database.
      name: The run's id, the beginning of it, or `latest`.

    Raises:
      ConfigurationError: There is no such run, or more than one.
    """
    runs = read_runs(database)
    run = find_run(runs, name)
    snapshot = read_snapshot(database, runs, Selection(runs=[run]))
    return RunDetails(
        summary=summarise(snapshot, run),
        log=str(run.record.get(names.LOG, "")),
        host=str(run.record.get(names.HOST, "")),
        versions=parsed(run.record.get(names.VERSIONS, "{}")),
        components=tuple(_component(snapshot, execution) for execution in snapshot.executions_of_run[run.id]),
    )


def parameters(execution: Execution) -> dict[str, Any]:
    """What a component was given, JSON decoded; without what TFX and the runner note beside it."""
    return {
        name: parsed(value)
        for name, value in sorted(execution.properties.items())
        if not name.startswith("__") and name != names.ERROR
    }


def _component(snapshot: Snapshot, execution: Execution) -> ComponentDetails:
    outputs = snapshot.linked(execution, Direction.OUTPUT) or snapshot.linked(execution, Direction.RESOLVED)
    return ComponentDetails(
        node=execution.node,
        type=execution.type,
        execution_id=execution.id,
        state=execution.state,
        seconds=None if execution.state.is_open else (execution.updated - execution.started) / 1000,
        inputs=snapshot.linked(execution, Direction.INPUT),
        outputs=outputs,
        parameters=parameters(execution),
        error=_error(execution),
    )


def _error(execution: Execution) -> str:
    """The runner's sentence, or else the last line of what TFX noted of its own failures."""
    if names.ERROR in execution.properties:
        return str(execution.properties[names.ERROR])
    try:
        result = json.loads(execution.properties.get(_EXECUTION_RESULT, "{}"))
    except ValueError:
        return ""
    lines = str(result.get("resultMessage", "")).strip().splitlines()
    return lines[-1] if lines and execution.state is ExecutionState.FAILED else ""
