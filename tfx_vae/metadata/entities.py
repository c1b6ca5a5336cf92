"""What ML Metadata holds, in the words of TFX: runs, their executions, artifacts, and the events between them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from pipelines.mlmd import names
from pipelines.mlmd.record import may_go_on


class ExecutionState(StrEnum):
    """The state of an execution; the names are those of ML Metadata in lower case."""

    UNKNOWN = "unknown"
    NEW = "new"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CACHED = "cached"
    CANCELED = "canceled"

    @property
    def is_open(self) -> bool:
        """Whether it may still be running."""
        return self in (ExecutionState.NEW, ExecutionState.RUNNING)


class ArtifactState(StrEnum):
    """The state of an artifact; TFX reads only LIVE ones."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    LIVE = "live"
    MARKED_FOR_DELETION = "marked_for_deletion"
    DELETED = "deleted"
    ABANDONED = "abandoned"
    REFERENCE = "reference"


class Direction(StrEnum):
    """How an execution is related to an artifact."""

    INPUT = "input"
    OUTPUT = "output"
    """The execution made it, or took it from the cache."""
    RESOLVED = "resolved"
    """A Resolver chose it."""


@dataclass(frozen=True)
class Artifact:
    """One artifact.

    Attributes:
      id: Its number in the database.
      type: `Examples`, `Model` and so on.
      uri: Where its files are.
      state: Whether it may still be used.
      created: When it was published, in milliseconds since 1970.
      properties: Both the declared and the custom ones.
    """

    id: int
    type: str
    uri: str
    state: ArtifactState
    created: int
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Execution:
    """One execution of one component in one run.

    Attributes:
      id: Its number in the database.
      run_id: The run; empty if it belongs to none.
      node: The component's id in its pipeline.
      type: The component's class.
      state: Its state.
      started: In milliseconds since 1970.
      updated: When it was last written, in milliseconds since 1970: for a finished execution, when it ended.
      properties: Its parameters, and what the runner recorded.
    """

    id: int
    run_id: str
    node: str
    type: str
    state: ExecutionState
    started: int
    updated: int
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """An execution took or gave an artifact under the name of a channel."""

    execution_id: int
    artifact_id: int
    direction: Direction
    channel: str


@dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes:
      id: The name of the context of type `pipeline_run`.
      pipeline: The name of the pipeline.
      started: In milliseconds since 1970.
      context_id: The number of that context.
      record: What the runner recorded about it, see `record.py`; empty for other runners.
    """

    id: str
    pipeline: str
    started: int
    context_id: int = 0
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether it recorded that it has ended; a run of another runner records nothing."""
        return self.record.get(names.STATE) in ("complete", "failed", "canceled")


@dataclass(frozen=True)
class Snapshot:
    """A whole database at one moment, or the part of it that a command needs.

    Attributes:
      runs: By id, oldest first.
      executions: By id, in the order in which they began.
      artifacts: By id.
      events: In the order in which they were written.
    """

    runs: Mapping[str, Run]
    executions: Mapping[int, Execution]
    artifacts: Mapping[int, Artifact]
    events: tuple[Event, ...]

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """By run, its number: 1 is the oldest of all. A number never changes, for runs are never removed."""
        return {run: number for number, run in enumerate(self.runs, 1)}

    @cached_property
    def previous(self) -> Mapping[str, Run]:
        """By run, the one of the same pipeline before it, if there is one; a person's decision is no run in this sense."""
        found: dict[str, Run] = {}
        latest: dict[str, Run] = {}
        for run in self.runs.values():
            if run.pipeline in latest:
                found[run.id] = latest[run.pipeline]
            if names.DECISION not in run.record:
                latest[run.pipeline] = run
        return found

    @cached_property
    def executions_of_run(self) -> Mapping[str, tuple[Execution, ...]]:
        """By run, in the order in which they began; empty for a run that has none."""
        found: dict[str, list[Execution]] = defaultdict(list)
        for execution in self.executions.values():
            found[execution.run_id].append(execution)
        return defaultdict(tuple, {run: tuple(executions) for run, executions in found.items()})

    @cached_property
    def events_of_execution(self) -> Mapping[int, tuple[Event, ...]]:
        """By execution; empty for one that has none."""
        found: dict[int, list[Event]] = defaultdict(list)
        for event in self.events:
            found[event.execution_id].append(event)
        return defaultdict(tuple, {execution: tuple(events) for execution, events in found.items()})

    @cached_property
    def producers(self) -> Mapping[int, Execution]:
        """By artifact, the execution that made it, rather than one that was served it from the cache."""
        found: dict[int, Execution] = {}
        for event in self.events:
            execution = self.executions.get(event.execution_id)
            if event.direction is Direction.OUTPUT and execution and execution.state is not ExecutionState.CACHED:
                found.setdefault(event.artifact_id, execution)
        return found

    @cached_property
    def users(self) -> Mapping[int, tuple[Execution, ...]]:
        """By artifact, the executions that took it as an input and did work with it."""
        found: dict[int, list[Execution]] = defaultdict(list)
        for event in self.events:
            execution = self.executions.get(event.execution_id)
            if event.direction is Direction.INPUT and execution and execution.state is not ExecutionState.CACHED:
                found[event.artifact_id].append(execution)
        return defaultdict(tuple, {artifact: tuple(executions) for artifact, executions in found.items()})

    def linked(self, execution: Execution, direction: Direction) -> dict[str, list[Artifact]]:
        """An execution's artifacts of one direction by channel, where they were read."""
        found: dict[str, list[Artifact]] = {}
        for event in self.events_of_execution[execution.id]:
            if event.direction is direction and event.artifact_id in self.artifacts:
                found.setdefault(event.channel, []).append(self.artifacts[event.artifact_id])
        return found

    def run_of(self, artifact_id: int) -> Run | None:
        """The run that made an artifact."""
        producer = self.producers.get(artifact_id)
        return self.runs.get(producer.run_id) if producer else None


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELED = "canceled"
    KILLED = "killed"
    """Its process ended without recording a state; the next run, or gc, records the run as failed."""


def run_state(run: Run, executions: Sequence[Execution]) -> RunState:
    """The state that a run recorded, or the state of its executions if another runner ran it.

    Args:
      run: The run.
      executions: Its executions.
    """
    recorded = run.record.get(names.STATE)
    states = {execution.state for execution in executions}
    if run.has_ended:
        return RunState(str(recorded))
    if recorded == "running":
        return RunState.RUNNING if may_go_on(run.record) else RunState.KILLED
    if any(state.is_open for state in states):
        return RunState.RUNNING
    if ExecutionState.FAILED in states:
        return RunState.FAILED
    return RunState.CANCELED if ExecutionState.CANCELED in states else RunState.COMPLETE


def run_seconds(state: RunState, executions: Sequence[Execution]) -> float | None:
    """From the first start to the last end; None if that is not known yet."""
    if not executions or state in (RunState.RUNNING, RunState.KILLED):
        return None
    return (max(execution.updated for execution in executions) - min(execution.started for execution in executions)) / 1000
