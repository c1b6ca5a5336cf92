"""How a run stands."""

from collections.abc import Sequence
from enum import StrEnum

from pipelines.mlmd import names
from pipelines.mlmd.liveness import may_go_on
from tfx_vae.metadata.entities import Execution, ExecutionState, Run


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELED = "canceled"
    KILLED = "killed"
    """Its process is gone and could not say so; the next run, or gc, records it as failed."""


def run_state(run: Run, executions: Sequence[Execution]) -> RunState:
    """How a run stands: as it recorded it, or as its executions tell where another runner ran it.

    Args:
      run: The run.
      executions: Its executions.
    """
    recorded = run.record.get(names.STATE)
    states = {execution.state for execution in executions}
    if recorded in ("complete", "failed", "canceled"):
        return RunState(recorded)
    if recorded == "running":
        return RunState.RUNNING if may_go_on(run.record) else RunState.KILLED
    if any(state.is_open for state in states):
        return RunState.RUNNING
    if ExecutionState.FAILED in states:
        return RunState.FAILED
    return RunState.CANCELED if ExecutionState.CANCELED in states else RunState.COMPLETE


def run_seconds(state: RunState, executions: Sequence[Execution]) -> float | None:
    """From the first start to the last end; None where that is not known, or not yet."""
    if not executions or state in (RunState.RUNNING, RunState.KILLED):
        return None
    return (max(execution.updated for execution in executions) - min(execution.started for execution in executions)) / 1000
