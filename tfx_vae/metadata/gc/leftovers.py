"""Files that no artifact describes: outputs of failed executions, TFX's working files, checkpoints, searches and logs."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.local.temporary import abandoned_directories
from pipelines.mlmd import names
from pipelines.mlmd.location import real_path
from tfx_vae.metadata import facts
from tfx_vae.metadata.disk import local_path, size_on_disk
from tfx_vae.metadata.entities import ExecutionState, Run, Snapshot
from tfx_vae.metadata.gc.protection import Policy, going_on, newest_runs

# tfx/orchestration/portable/outputs_utils.py
_SYSTEM = ".system"
_EXECUTOR_EXECUTION = "executor_execution"
_OF_A_RUN = ("driver_execution", "stateful_working_dir")

_ENDED_WELL = (ExecutionState.COMPLETE, ExecutionState.CACHED)


class LeftoverKind(StrEnum):
    """What a leftover is."""

    UNFINISHED_OUTPUT = "output of a failed execution"
    SYSTEM = "TFX's working files"
    CHECKPOINT = "checkpoints of an unfinished training"
    SEARCH = "trials of an earlier search"
    LOG = "log"
    TEMPORARY = "temporary files of killed runs"


@dataclass(frozen=True)
class Leftover:
    """A file or directory to be deleted, and its bytes."""

    kind: LeftoverKind
    path: Path
    size: int


def find_leftovers(snapshot: Snapshot, policy: Policy, cutoff: int, kept: set[int]) -> Iterator[Leftover]:
    """Finds the files that neither a running run nor a kept run needs.

    Args:
      snapshot: The whole database.
      policy: What to keep.
      cutoff: What was written after this moment stays; milliseconds since 1970.
      kept: The ids of the artifacts that stay.
    """
    recent = newest_runs(snapshot, policy.keep_last)
    busy = {run.pipeline for run in going_on(snapshot)}
    found: list[tuple[LeftoverKind, Path]] = []
    for pipeline, root in sorted(_pipeline_roots(snapshot)):
        if pipeline not in busy:
            found += _in_pipeline_root(snapshot, pipeline, root)
    for kind, pipeline, directory in sorted(_unfinished_work(snapshot)):
        if pipeline not in busy and _written(directory) < _oldest(recent, pipeline):
            found.append((kind, directory))
    kept_runs = {run.id for run in recent} | {run.id for id_ in kept if (run := snapshot.run_of(id_))}
    for run in snapshot.runs.values():
        log = local_path(str(run.record.get(names.LOG, "")))
        if run.id not in kept_runs and run.pipeline not in busy and log is not None:
            found.append((LeftoverKind.LOG, log))
    for kind, path in found:
        if path.exists() and _written(path) <= cutoff:
            yield Leftover(kind, path, size_on_disk(str(path)) or 0)


def find_temporary() -> Iterator[Leftover]:
    """Finds what killed runs, of whichever root, have left in the directory for temporary files."""
    for path in abandoned_directories():
        yield Leftover(LeftoverKind.TEMPORARY, path, size_on_disk(str(path)) or 0)


def _pipeline_roots(snapshot: Snapshot) -> set[tuple[str, Path]]:
    """Pipelines and where their artifacts lie, as the runs recorded it."""
    roots = ((run.pipeline, _pipeline_root(run)) for run in snapshot.runs.values())
    return {(pipeline, root) for pipeline, root in roots if root is not None and root.is_dir()}


def _pipeline_root(run: Run) -> Path | None:
    path = local_path(str(run.record.get(names.PIPELINE_ROOT, "")))
    return path and real_path(path)


def _in_pipeline_root(snapshot: Snapshot, pipeline: str, root: Path) -> Iterator[tuple[LeftoverKind, Path]]:
    # None of the pipeline's runs is running, so all executions have ended, whatever their states. Files of executions that
    # the database does not know are kept.
    runs = {run.id for run in snapshot.runs.values() if run.pipeline == pipeline and _pipeline_root(run) == root}
    ended = {(e.node, str(e.id)): e.state for e in snapshot.executions.values() if e.run_id in runs}
    for path in root.glob("*/*/[0-9]*"):
        if ended.get((path.parts[-3], path.name), ExecutionState.COMPLETE) not in _ENDED_WELL:
            yield LeftoverKind.UNFINISHED_OUTPUT, path
    for path in root.glob(f"*/{_SYSTEM}/{_EXECUTOR_EXECUTION}/*"):
        if (path.parts[-4], path.name) in ended:
            yield LeftoverKind.SYSTEM, path
    for name in _OF_A_RUN:
        for path in root.glob(f"*/{_SYSTEM}/{name}/*"):
            yield LeftoverKind.SYSTEM, path


def _unfinished_work(snapshot: Snapshot) -> set[tuple[LeftoverKind, str, Path]]:
    """The directories of each pipeline's trainings and searches, in those that Trainers and Tuners were given."""
    places: set[tuple[LeftoverKind, str, str]] = set()
    for execution in snapshot.executions.values():
        run = snapshot.runs.get(execution.run_id)
        if run is None:
            continue
        search = facts.search(execution)
        if search is not None:
            places.add((LeftoverKind.SEARCH, run.pipeline, search.directory))
        settings = search.training if search else facts.training_settings(execution)
        if settings is not None:
            places.add((LeftoverKind.CHECKPOINT, run.pipeline, settings.checkpoint_dir))
    return {
        (kind, pipeline, directory)
        for kind, pipeline, place in places
        if (path := local_path(place)) is not None and path.is_dir()
        for directory in path.iterdir()
    }


def _oldest(runs: list[Run], pipeline: str) -> float:
    """When the oldest of the runs of a pipeline began; what was written since then may still be continued."""
    return min((run.started for run in runs if run.pipeline == pipeline), default=float("inf"))


def _written(path: Path) -> int:
    """When a file, or the newest of a directory, was written, in milliseconds since 1970."""
    paths = [path, *path.rglob("*")] if path.is_dir() else [path]
    return int(max((each.stat().st_mtime for each in paths if each.exists()), default=0) * 1000)
