"""`tfx-vae runs`: lists the runs and their results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.text import Text

from components.artifacts.features import KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from components.errors import ConfigurationError
from pipelines.mlmd import names
from tfx_vae.metadata import facts
from tfx_vae.metadata.entities import Run, RunState, Snapshot, run_seconds, run_state
from tfx_vae.metadata.printing import (
    NONE,
    Cell,
    Column,
    describe_model,
    describe_seconds,
    describe_time,
    print_columns,
    state_style,
)
from tfx_vae.metadata.reader import Database, Selection, read_runs, read_snapshot

LATEST = "latest"
"""The name of the newest run."""


@dataclass(frozen=True)
class RunSummary:
    """One run in a line.

    Attributes:
      number: Its number, 1 for the oldest run in the database.
      id: Its name in ML Metadata.
      pipeline: The name of its pipeline.
      started: In milliseconds since 1970.
      seconds: From the start of the first component to the end of the last; None if it is running, or was killed.
      state: Its state.
      dataset: `name` and `version`; this and the following are None if the run did not get that far.
      model: The settings of the model.
      metrics: The means over the test split, in nats per image.
      blessed: Whether the model was blessed.
      refusal: Why it failed the check before pushing; empty otherwise.
      pushed_version: The version that it is served as.
      drifted: Whether the images have drifted from those of the champion.
      drift: What has drifted, or why nothing was compared; empty if the run did not get that far.
      error: Why it failed; empty otherwise.
      decision: `rollback` or `promote`, if it is a person's decision and no run of the pipeline; empty otherwise.
      why: The person's reason.
      tag: What a person calls it; empty otherwise.
      changed: The settings that differ from those of the run before it, of the same pipeline.
    """

    number: int
    id: str
    pipeline: str
    started: int
    seconds: float | None
    state: RunState
    dataset: Mapping[str, str] | None
    model: Mapping[str, Any] | None
    metrics: Mapping[str, float] | None
    blessed: bool | None
    refusal: str
    pushed_version: str | None
    error: str
    decision: str = ""
    why: str = ""
    tag: str = ""
    drifted: bool | None = None
    drift: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)


def list_runs(
    database: Database,
    pipeline: str | None = None,
    last: int | None = None,
    known: Mapping[str, RunSummary] = MappingProxyType({}),
) -> list[RunSummary]:
    """Sums up the runs.

    Args:
      database: An open database.
      pipeline: Only runs of this pipeline.
      last: Only this many of the newest runs.
      known: Summaries by run, made when it had ended; they are taken as they are.

    Returns:
      The runs, the newest first.
    """
    runs = read_runs(database)
    wanted = [run for run in reversed(runs.values()) if pipeline in (None, run.pipeline)][:last]
    settled = {run.id: known[run.id] for run in wanted if run.has_ended and run.id in known}
    unknown = [run for run in wanted if run.id not in settled]
    selection = Selection(
        # Above a few, it is faster to read all.
        runs=None if 2 * len(unknown) > len(runs) else unknown,
        artifact_types=facts.ARTIFACT_TYPES,
        artifact_properties=facts.ARTIFACT_PROPERTIES,
        execution_properties=facts.EXECUTION_PROPERTIES,
    )
    snapshot = read_snapshot(database, runs, selection)
    return [settled.get(run.id) or summarise(snapshot, run) for run in wanted]


def summarise(snapshot: Snapshot, run: Run) -> RunSummary:
    """Sums up one run; the snapshot must hold what `facts` names."""
    executions = snapshot.executions_of_run[run.id]
    state = run_state(run, executions)
    return RunSummary(
        number=snapshot.numbers[run.id],
        id=run.id,
        pipeline=run.pipeline,
        started=run.started,
        seconds=run_seconds(state, executions),
        state=state,
        dataset=facts.dataset(snapshot, executions),
        model=facts.model(snapshot, executions),
        metrics=facts.metrics(snapshot, executions),
        blessed=facts.blessed(snapshot, executions),
        refusal=facts.refusal(snapshot, executions),
        pushed_version=facts.pushed_version(snapshot, executions),
        drifted=facts.drifted(snapshot, executions),
        drift=facts.drift(snapshot, executions),
        error=str(run.record.get(names.ERROR, "")),
        decision=str(run.record.get(names.DECISION, "")),
        why=str(run.record.get(names.WHY, "")),
        tag=str(run.record.get(names.TAG, "")),
        changed=facts.changes(run, snapshot.previous.get(run.id)),
    )


def find_run(runs: Mapping[str, Run], name: str) -> Run:
    """Finds a run by its number, its id, the beginning of its id, `latest`, or the name of a pipeline: its newest run.

    Raises:
      ConfigurationError: There is none, or more than one.
    """
    if name in runs:
        return runs[name]
    if not runs:
        raise ConfigurationError("There is no run in this database yet.")
    if name.isdecimal() and 0 < int(name) <= len(runs):
        return list(runs.values())[int(name) - 1]
    # A rollback or a promotion is no run of the pipeline.
    trained = [run for run in runs.values() if names.DECISION not in run.record]
    if name == LATEST and trained:
        return trained[-1]
    if of_pipeline := [run for run in trained if run.pipeline == name]:
        return of_pipeline[-1]
    found = [run for run in runs.values() if run.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(
            f"{len(found)} runs begin with {name!r}, for instance {found[0].id} and {found[1].id}: write more of it."
        )
    raise ConfigurationError(
        f"There is no run {name!r}: `tfx-vae runs` lists them, and `{LATEST}`, or the name of a pipeline, is the newest."
    )


_COLUMNS = (
    Column("NO", is_number=True),
    Column("PIPELINE", shrinks_to=8),
    Column("STATE"),
    Column("STARTED"),
    Column("-ELBO", is_number=True),
    Column("RECONSTRUCTION", is_number=True),
    Column("BLESSED"),
    Column("VERSION", is_optional=True),
    Column("CHANGED", is_optional=True),
    Column("DRIFTED", is_optional=True),
    Column("TOOK", is_number=True, is_optional=True),
    Column("MODEL", is_optional=True),
    Column("KL", is_number=True, is_optional=True),
    Column("DATASET", is_optional=True),
    Column("RUN", is_optional=True),
)
_SHOWN_CHANGES = 2


def print_runs(runs: Sequence[RunSummary], console: Console) -> None:
    """Prints a line for each run; losses are nats per image of the test split."""
    if not runs:
        console.print(Text("No runs yet."))
        return
    print_columns(console, _COLUMNS, [_row(run) for run in runs])


def _row(run: RunSummary) -> list[Cell]:
    blessed = {True: Cell("yes", "green"), False: Cell("no", "yellow"), None: Cell(NONE, "dim")}[run.blessed]
    return [
        Cell(str(run.number), "bold"),
        Cell(run.pipeline),
        Cell(run.decision or run.state.value, state_style(run.state)),
        Cell(describe_time(run.started)),
        # An autoencoder has no ELBO: its loss is the reconstruction alone.
        Cell(NONE) if (run.model or {}).get("kind") == "ae" else _loss(run, NEGATIVE_ELBO),
        _loss(run, RECONSTRUCTION_LOSS),
        blessed,
        Cell("refused", "yellow") if run.refusal else Cell(run.pushed_version or NONE),
        Cell(f"{run.decision}: {run.why}" if run.decision else _describe_changes(run.changed)),
        {True: Cell("yes", "yellow"), False: Cell("no"), None: Cell(NONE, "dim")}[run.drifted],
        Cell(describe_seconds(run.seconds)),
        Cell(describe_model(run.model)),
        _loss(run, KL_DIVERGENCE),
        Cell(NONE if run.dataset is None else f"{run.dataset['name']} {run.dataset['version']}".strip()),
        Cell(run.id),
    ]


def _describe_changes(changed: Mapping[str, Any]) -> str:
    """The first few, by the last part of their names: `epochs=7, beta=2.0 +3`."""
    shown = [f"{name.rpartition('.')[2]}={value}" for name, value in changed.items()][:_SHOWN_CHANGES]
    rest = len(changed) - len(shown)
    return (", ".join(shown) + (f" +{rest}" if rest else "")) or NONE


def _loss(run: RunSummary, name: str) -> Cell:
    value = (run.metrics or {}).get(name)
    return Cell(NONE if value is None else f"{value:.2f}")
