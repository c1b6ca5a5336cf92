"""Finds the artifacts of the two compared runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.bucket import fetch
from components.errors import ConfigurationError, PipelineError
from tfx_vae.metadata.entities import Artifact, Direction, ExecutionState, Run, Snapshot
from tfx_vae.metadata.reader import Database, Selection, read_runs, read_snapshot
from tfx_vae.metadata.runs import find_run

# By channel and type, the name of the report's input. Not imported: the package of components/report/properties.py imports TFX.
_OUTPUTS: Final = {
    ("examples", "Examples"): "examples",
    ("statistics", "ExampleStatistics"): "statistics",
    ("verdict", "DataVerdict"): "data_verdict",
    ("model", "Model"): "model",
    ("evaluation", "ModelEvaluation"): "evaluation",
}
# With a window of spans these Resolvers choose the images, by node and channel.
_CHOSEN: Final = {
    ("TrainingSpans", "examples"): "examples",
    ("TrainingSpans", "statistics"): "statistics",
    ("TestSpans", "examples"): "test_examples",
}


@dataclass(frozen=True)
class ComparedRun:
    """A run with an evaluated model.

    Attributes:
      run: The run.
      artifacts: What it made, took from the cache or chose of spans, by the names of `components.report.properties`.
    """

    run: Run
    artifacts: Mapping[str, Sequence[Artifact]]


def find_compared(database: Database, name: str) -> ComparedRun:
    """Finds a run and its artifacts.

    Args:
      database: An open database.
      name: The id of a run, the beginning of an id, or `latest`; or the name of a pipeline, which means its latest run with an
        evaluated model.

    Raises:
      ConfigurationError: There is no such run or pipeline, or the run has no evaluated model.
      PipelineError: An artifact no longer exists on disk.
    """
    runs = read_runs(database)
    of_pipeline = [run for run in reversed(runs.values()) if run.pipeline == name]
    if not of_pipeline:
        return _compared(database, runs, _find(runs, name))
    for run in of_pipeline:
        artifacts = _artifacts(read_snapshot(database, runs, Selection(runs=[run])), run)
        if _is_complete(artifacts):
            return _on_disk(ComparedRun(run, artifacts))
    raise ConfigurationError(f"No run of {name} has an evaluated model: run this pipeline to its end first.")


def _find(runs: dict[str, Run], name: str) -> Run:
    try:
        return find_run(runs, name)
    except ConfigurationError as error:
        pipelines = ", ".join(sorted({run.pipeline for run in runs.values()}))
        raise ConfigurationError(f"{error} Pipelines with runs: {pipelines or 'none'}.") from error


def _compared(database: Database, runs: dict[str, Run], run: Run) -> ComparedRun:
    artifacts = _artifacts(read_snapshot(database, runs, Selection(runs=[run])), run)
    if not _is_complete(artifacts):
        missing = ", ".join(sorted(set(_OUTPUTS.values()) - set(artifacts)))
        raise ConfigurationError(f"Run {run.id} has no evaluated model: it lacks {missing}.")
    return _on_disk(ComparedRun(run, artifacts))


def _artifacts(snapshot: Snapshot, run: Run) -> dict[str, list[Artifact]]:
    made: dict[str, list[Artifact]] = {}
    chosen: dict[str, list[Artifact]] = {}
    for execution in snapshot.executions_of_run[run.id]:
        if execution.state not in (ExecutionState.COMPLETE, ExecutionState.CACHED):
            continue
        for channel, artifacts in snapshot.linked(execution, Direction.OUTPUT).items():
            if name := _OUTPUTS.get((channel, artifacts[-1].type)):
                made[name] = artifacts
        for channel, artifacts in snapshot.linked(execution, Direction.RESOLVED).items():
            if name := _CHOSEN.get((execution.node, channel)):
                chosen.setdefault(name, []).extend(artifacts)
    return made | chosen


def _is_complete(artifacts: Mapping[str, Sequence[Artifact]]) -> bool:
    return set(artifacts) >= set(_OUTPUTS.values())


def _on_disk(compared: ComparedRun) -> ComparedRun:
    for name, artifact in ((name, one) for name, several in compared.artifacts.items() for one in several):
        if not fetch(artifact.uri).exists():
            raise PipelineError(
                f"Run {compared.run.id} cannot be compared: its {name} in {artifact.uri} no longer exists. "
                "Run its pipeline again."
            )
    return compared
