"""`tfx-vae show`: what each component of one run did."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from components.artifacts.features import EXAMPLE_COUNT
from components.artifacts.files import is_in_object_store
from components.artifacts.metrics import CATALOGUE
from components.errors import PipelineError
from pipelines.mlmd import names
from tfx_vae.metadata import facts
from tfx_vae.metadata.entities import Artifact, ArtifactState, Direction, Execution, ExecutionState, Run, Snapshot
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
from tfx_vae.metadata.reader import Database, Selection, parsed, read_runs, read_snapshot
from tfx_vae.metadata.runs import LATEST, RunSummary, find_run, summarise

# tfx/orchestration/portable/mlmd/execution_lib.py
_EXECUTION_RESULT = "__execution_result__"


@dataclass(frozen=True)
class ComponentDetails:
    """One component of a run.

    Attributes:
      node: Its id in the pipeline.
      type: Its class.
      execution_id: Its execution in ML Metadata.
      state: Its state; `cached` if it was served from an earlier run.
      seconds: How long it took; None while it runs.
      inputs: Artifacts by channel.
      outputs: Artifacts by channel; of a Resolver, what it chose.
      parameters: Its parameters, JSON decoded.
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
      settings: Those of its configuration, by dotted name; empty if another runner or an older version ran it.
      components: In the order in which they ran.
    """

    summary: RunSummary
    log: str
    host: str
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    components: tuple[ComponentDetails, ...]


def show_run(database: Database, name: str) -> RunDetails:
    """Reads all about one run.

    Args:
      database: An open database.
      name: The run's id, the beginning of it, `latest`, or the name of a pipeline.

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
        versions=facts.installed_versions(run),
        settings=facts.flat(facts.settings(run) or {}),
        components=tuple(_component(snapshot, execution) for execution in snapshot.executions_of_run[run.id]),
    )


def find_report(database: Database, name: str) -> str:
    """The page that a run wrote, or took from the cache.

    Args:
      database: An open database.
      name: See `show_run`; for `latest` and a pipeline the newest run with a report, which variants of a sweep do not have.

    Raises:
      ConfigurationError: There is no such run, or more than one.
      PipelineError: The run has no report, or its page is gone.
    """
    runs = read_runs(database)
    run = find_run(runs, name)
    candidates = [other for other in reversed(runs.values()) if name in (LATEST, other.pipeline)] or [run]
    for candidate in candidates:
        if page := _report_of(read_snapshot(database, runs, Selection(runs=[candidate])), candidate):
            return page
    raise PipelineError(f"Run {run.id} of {run.pipeline} has no report: `tfx-vae show {run.id}` says how far it got.")


def _report_of(snapshot: Snapshot, run: Run) -> str | None:
    for execution in snapshot.executions_of_run[run.id]:
        for report in snapshot.linked(execution, Direction.OUTPUT).get("report", []):
            page = f"{report.uri}/index.html"
            if not is_in_object_store(page) and not Path(page).is_file():
                raise PipelineError(f"Run {run.id} has a report, but its page {page} no longer exists.")
            return page
    return None


def parameters(execution: Execution) -> dict[str, Any]:
    """The parameters of a component, JSON decoded, without the properties that TFX and the runner add."""
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
    """The runner's message, or else the last line of the error that TFX recorded."""
    if names.ERROR in execution.properties:
        return str(execution.properties[names.ERROR])
    try:
        result = json.loads(execution.properties.get(_EXECUTION_RESULT, "{}"))
    except ValueError:
        return ""
    lines = str(result.get("resultMessage", "")).strip().splitlines()
    return lines[-1] if lines and execution.state is ExecutionState.FAILED else ""


_MARKS: Final = {
    ExecutionState.COMPLETE: "✓",
    ExecutionState.CACHED: "✓",
    ExecutionState.FAILED: "✗",
    ExecutionState.CANCELED: "✗",
}
_LONGEST: Final = 400
"""Characters of a value; all of it is in --json."""


def print_run(details: RunDetails, everything: bool, console: Console) -> None:
    """Prints a summary of the run, its metrics, and a line for each component.

    Args:
      details: From `show_run`.
      everything: Print also the inputs, outputs and parameters of each component.
      console: Where to print.
    """
    run = details.summary
    console.print(Text.assemble((f"Run {run.id}", "bold"), f" of {run.pipeline}: ", (run.state.value, state_style(run.state))))
    console.print(_pairs(_about(details)))
    if run.metrics:
        console.print()
        console.print(_metrics(run.metrics))
    console.print()
    if everything:
        for component in details.components:
            _print_component(component, console)
            console.print()
        return
    print_columns(console, _COLUMNS, [_row(component) for component in details.components])
    for component in details.components:
        if component.error:
            console.print(Text(f"{component.node or component.type}: {component.error}", "red"))


_COLUMNS = (
    Column("COMPONENT"),
    Column("STATE"),
    Column("TOOK", is_number=True),
    Column("EXECUTION", is_number=True, is_optional=True),
    Column("MADE", shrinks_to=10),
)


def _row(component: ComponentDetails) -> list[Cell]:
    made = [f"{artifact.type} {artifact.id}" for artifacts in component.outputs.values() for artifact in artifacts]
    return [
        Cell(component.node or component.type, "bold"),
        Cell(_word(component), state_style(component.state) or "cyan"),
        Cell(describe_seconds(component.seconds)),
        Cell(str(component.execution_id)),
        Cell(", ".join(made) or NONE),
    ]


def _word(component: ComponentDetails) -> str:
    return "ran" if component.state is ExecutionState.COMPLETE else component.state.value


def _metrics(metrics: Mapping[str, float]) -> Table:
    """In the order of the catalogue, with units; those that it does not have come last."""
    known = [(metric.name, metric.decimals, metric.unit) for metric in CATALOGUE if metric.name in metrics]
    others = metrics.keys() - {name for name, _, _ in known} - {EXAMPLE_COUNT}
    table = Table("metric of the test split", "unit", box=None, pad_edge=False)
    table.add_column("mean", justify="right")
    for name, decimals, unit in [*known, *((name, 2, "") for name in sorted(others))]:
        table.add_row(name, unit, f"{metrics[name]:.{decimals}f}")
    return table


def _about(details: RunDetails) -> dict[str, Text | str]:
    run = details.summary
    about: dict[str, Text | str] = {
        "number": str(run.number),
        "started": describe_time(run.started),
        "took": describe_seconds(run.seconds),
    }
    if run.dataset:
        about["dataset"] = f"{run.dataset['name']} {run.dataset['version']}".strip()
    if run.model:
        about["model"] = describe_model(run.model)
    if run.changed:
        about["changed"] = ", ".join(f"{name}={value}" for name, value in run.changed.items())
    if run.blessed is not None:
        about["blessed"] = "yes" if run.blessed else "no"
    if run.refusal:
        about["not pushed"] = Text(f"failed the check before pushing: {run.refusal}", "yellow")
    if run.pushed_version:
        about["version"] = run.pushed_version
    if run.drift:
        about["drift"] = Text(run.drift, "yellow" if run.drifted else "")
    if details.versions:
        about["installed"] = ", ".join(f"{name} {version}" for name, version in details.versions.items())
    if details.host:
        about["host"] = details.host
    if details.log:
        about["log"] = details.log if Path(details.log).exists() else f"{details.log} (not on this machine)"
    if run.error:
        about["error"] = Text(run.error, "red")
    return about


def _print_component(component: ComponentDetails, console: Console) -> None:
    style = state_style(ExecutionState(component.state)) or "cyan"
    title = Text.assemble(
        (f"{_MARKS.get(component.state, '…')} ", style),
        (component.node or component.type, "bold"),
        "  ",
        (_word(component), style),
        f"  {describe_seconds(component.seconds)}  ",
        (f"execution {component.execution_id}", "dim"),
    )
    console.print(title)
    told: dict[str, Text | str] = {}
    if component.inputs:
        told["inputs"] = _channels(component.inputs)
    if component.outputs:
        told["outputs"] = _channels(component.outputs)
    if component.parameters:
        told["parameters"] = _parameters(component.parameters)
    if component.error:
        told["error"] = Text(component.error, "red")
    if told:
        console.print(Padding(_pairs(told), (0, 0, 0, 2)))


def _pairs(pairs: Mapping[str, Text | str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(Text(name, "dim"), Text(value) if isinstance(value, str) else value)
    return table


def _channels(channels: Mapping[str, list[Artifact]]) -> Text:
    return Text("\n").join(
        Text.assemble(f"{channel}: ", (f"{artifact.type} {artifact.id} ", "bold"), _state(artifact), (artifact.uri, "dim"))
        for channel, artifacts in channels.items()
        for artifact in artifacts
    )


def _state(artifact: Artifact) -> tuple[str, str]:
    is_live = artifact.state is ArtifactState.LIVE
    return ("", "") if is_live else (f"{artifact.state.value} ", state_style(artifact.state))


def _parameters(parameters: Mapping[str, Any]) -> Text:
    """A line for each, and for each setting of one that holds several."""
    lines = []
    for name, value in parameters.items():
        if isinstance(value, dict):
            lines += [Text.assemble((f"{name}.{key} ", "dim"), _value(item)) for key, item in value.items()]
        else:
            lines.append(Text.assemble((f"{name} ", "dim"), _value(value)))
    return Text("\n").join(lines)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        text = " ".join(f"{key}={json.dumps(item)}" for key, item in value.items())
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters, all in --json)"
