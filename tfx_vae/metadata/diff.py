"""`tfx-vae diff`: what differs between two runs."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tfx_vae.metadata import facts
from tfx_vae.metadata.entities import Direction, Execution, ExecutionState, Run, Snapshot
from tfx_vae.metadata.printing import NONE
from tfx_vae.metadata.reader import Database, Selection, read_runs, read_snapshot
from tfx_vae.metadata.runs import RunSummary, find_run, summarise
from tfx_vae.metadata.show import parameters


@dataclass(frozen=True)
class Difference:
    """One thing that two runs have not in common; a value is None where a run has none."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class RunDifferences:
    """In what two runs differ.

    Attributes:
      first: The one run.
      second: The other.
      settings: What a person changed, such as `trainer.epochs`; of runs of older versions what can be told from parameters.
      parameters: Of the components, such as `Trainer.custom_config.trainer.epochs`; a `source_digest` differs if code does.
      versions: Of the installed packages.
      data: Of what was read: dataset, version, splits, the digest of the records.
      metrics: Means over the test split, in nats per image.
      outcome: State, blessing, why it failed the check before pushing, pushed version.
    """

    first: RunSummary
    second: RunSummary
    settings: tuple[Difference, ...]
    parameters: tuple[Difference, ...]
    versions: tuple[Difference, ...]
    data: tuple[Difference, ...]
    metrics: tuple[Difference, ...]
    outcome: tuple[Difference, ...]


def compare_runs(database: Database, first: str, second: str) -> RunDifferences:
    """Compares two runs.

    Args:
      database: An open database.
      first: The id of a run, the beginning of it, `latest`, or the name of a pipeline.
      second: The same of another.

    Raises:
      ConfigurationError: There is no such run, or more than one.
    """
    runs = read_runs(database)
    pair = find_run(runs, first), find_run(runs, second)
    snapshot = read_snapshot(database, runs, Selection(runs=pair, with_producers=True))
    summaries = [summarise(snapshot, run) for run in pair]
    executions = [_executions(snapshot, run.id) for run in pair]
    versions = [facts.installed_versions(run) for run in pair]
    return RunDifferences(
        first=summaries[0],
        second=summaries[1],
        settings=_differences(*_settings(pair, executions)),
        parameters=_differences(*(_parameters(of_run) for of_run in executions)),
        versions=_differences(*versions),
        data=_differences(*(facts.flat(facts.data(of_run)) for of_run in executions)),
        metrics=_differences(*(summary.metrics or {} for summary in summaries)),
        outcome=_differences(*(_outcome(summary) for summary in summaries)),
    )


def _settings(pair: Sequence[Run], executions: Sequence[Sequence[Execution]]) -> list[dict[str, Any]]:
    """The settings of both runs; those of the model and the training only, if one of the runs recorded no others."""
    recorded = [facts.settings(run) for run in pair]
    if all(found is not None for found in recorded):
        return [facts.flat(found or {}) for found in recorded]
    told = [next(filter(None, map(facts.training_settings, of_run)), None) for of_run in executions]
    return [facts.flat({"model": found.model, "trainer": found.trainer}) if found else {} for found in told]


def _executions(snapshot: Snapshot, run_id: str) -> list[Execution]:
    """The executions of a run; a cached one has the properties of the execution that produced its outputs.

    TFX records what a driver finds, such as the digest of the records, only in the latter.
    """
    found = []
    for execution in snapshot.executions_of_run[run_id]:
        outputs = [artifact for artifacts in snapshot.linked(execution, Direction.OUTPUT).values() for artifact in artifacts]
        is_cached = execution.state is ExecutionState.CACHED
        producer = next(
            (snapshot.producers[each.id] for each in outputs if is_cached and each.id in snapshot.producers), execution
        )
        found.append(replace(execution, properties=producer.properties))
    return found


def _parameters(executions: Sequence[Execution]) -> dict[str, Any]:
    """All parameters of all components, without those that describe what was read: `data` holds them."""
    found: dict[str, Any] = {}
    for execution in executions:
        given = parameters(execution)
        for name in facts.data([execution]):
            given.pop(name, None)
        found |= facts.flat(given, f"{execution.node}.")
    return found


def _outcome(summary: RunSummary) -> dict[str, Any]:
    return {
        "state": summary.state.value,
        "blessed": summary.blessed,
        "refusal": summary.refusal,
        "pushed_version": summary.pushed_version,
    }


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    names_ = sorted({*first, *second})
    return tuple(Difference(name, first.get(name), second.get(name)) for name in names_ if first.get(name) != second.get(name))


_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN_OF_A_DIGEST: Final = 12


def print_differences(differences: RunDifferences, everything: bool, console: Console) -> None:
    """Prints what differs, by section; one line if nothing does.

    Args:
      differences: From `compare_runs`.
      everything: Print also the parameters of components, which follow from the settings, and digests.
      console: Where to print.
    """
    sections = {
        "settings": differences.settings,
        "metrics": differences.metrics,
        "outcome": differences.outcome,
        "data": differences.data,
        "versions": differences.versions,
        "parameters of components": differences.parameters if everything else (),
    }
    if not any(sections.values()):
        hidden = len(differences.parameters)
        rest = f" but {hidden} parameters of components; --all shows them" if hidden and not everything else ""
        console.print(Text(f"The runs differ in nothing that ML Metadata knows{rest}."))
        return
    console.print(_change("run", differences.first.id, differences.second.id))
    for section, found in sections.items():
        if found:
            console.print(Text(section, "bold"))
        for difference in found:
            line = _change(difference.name, _value(difference.first), _value(difference.second))
            console.print(Padding(line, (0, 0, 0, 2), expand=False))


def _change(name: str, first: str, second: str) -> Text:
    return Text.assemble(f"{name}  ", (first, "red"), " → ", (second, "green"))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return f"{value[:_SHOWN_OF_A_DIGEST]}…" if _DIGEST.fullmatch(value) else value
    return NONE if value is None else json.dumps(value)
