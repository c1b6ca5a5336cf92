"""Decides which artifacts must be kept, and why."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from components.artifacts import champion as champions
from components.artifacts import serving_directory
from components.bucket import exists, is_staged
from components.errors import ConfigurationError
from pipelines.mlmd import names
from pipelines.mlmd.location import real_path
from tfx_vae.metadata import facts
from tfx_vae.metadata.disk import OwnRoot, local_path
from tfx_vae.metadata.entities import Artifact, ArtifactState, Direction, Execution, Run, RunState, Snapshot, run_state

GOING_ON: Final = "in use by a run that goes on"
PUSHED: Final = "pushed"
CHAMPION: Final = "champion"
NEWEST_BLESSED: Final = "newest blessed"
BASELINE: Final = "latest baseline"
DECIDED: Final = "promoted or rolled back to"
RECENT: Final = "of the newest runs"
INPUT: Final = "what a kept one was made of"
TOGETHER: Final = "made together with a kept one"
SHARED: Final = "has files of a kept one"
METRICS: Final = "metrics, a few kilobytes"

_RESOLVER: Final = "Resolver"
_STARTED_FROM: Final = ("base_model", "analyzer_cache", "known_examples", "known_verdicts")
"""Channels of what earlier runs left; each night has that of the night before, so what it was made of is not kept."""


@dataclass(frozen=True)
class Policy:
    """What the user wants to keep in addition.

    Attributes:
      keep_last: Keep everything that this many of the newest runs of each pipeline made or used.
      older_than: Keep everything that was made or used within this time; None for no such rule.
    """

    keep_last: int = 1
    older_than: timedelta | None = None


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_age(text: str) -> timedelta:
    """Reads an age such as `30d`: a number and one of m (minutes), h, d, w.

    Raises:
      ConfigurationError: It is something else.
    """
    match = re.fullmatch(r"(\d+)([mhdw])", text.strip())
    if match is None:
        raise ConfigurationError(
            f"{text[:20]!r} is not an age: write a number and m, h, d or w (minutes to weeks), such as 30d."
        )
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except (OverflowError, ValueError) as error:  # Python refuses to read numbers of more than 4,300 digits
        raise ConfigurationError(f"The age {text[:20]!r} is too long: write at most 999999999d.") from error


def protected(snapshot: Snapshot, policy: Policy) -> dict[int, str]:
    """The artifacts that must stay.

    Args:
      snapshot: The whole database.
      policy: What to keep beyond that.

    Returns:
      By the id of each artifact the first reason that holds.
    """
    kept: dict[int, str] = {}
    for reason, ids in _roots(snapshot, policy):
        for id_ in ids:
            kept.setdefault(id_, reason)
    _add_inputs(snapshot, kept)
    for artifact in snapshot.artifacts.values():
        if artifact.type == facts.EVALUATION:
            kept.setdefault(artifact.id, METRICS)
    return kept


def newest_runs(snapshot: Snapshot, count: int) -> list[Run]:
    """The newest runs of each pipeline."""
    by_pipeline: dict[str, list[Run]] = {}
    for run in snapshot.runs.values():
        if names.DECISION in run.record:
            continue
        by_pipeline.setdefault(run.pipeline, []).append(run)
    return [run for runs in by_pipeline.values() for run in (runs[-count:] if count else [])]


def going_on(snapshot: Snapshot) -> list[Run]:
    """The runs that may still be running."""
    return [run for run in snapshot.runs.values() if run_state(run, snapshot.executions_of_run[run.id]) is RunState.RUNNING]


def _roots(snapshot: Snapshot, policy: Policy) -> Iterator[tuple[str, Iterable[int]]]:
    for run in going_on(snapshot):
        yield GOING_ON, _touched(snapshot, snapshot.executions_of_run[run.id])
    yield GOING_ON, _touched(snapshot, [e for e in snapshot.executions.values() if not e.run_id and e.state.is_open])
    yield PUSHED, [artifact.id for artifact in snapshot.artifacts.values() if _is_served(artifact)]
    for pipeline in {run.pipeline for run in snapshot.runs.values()}:
        yield from _champions(snapshot, pipeline)
        yield BASELINE, _last_resolved(snapshot, pipeline)
    for run in newest_runs(snapshot, policy.keep_last):
        yield RECENT, _touched(snapshot, snapshot.executions_of_run[run.id])


def _touched(snapshot: Snapshot, executions: Iterable[Execution]) -> Iterator[int]:
    return (event.artifact_id for execution in executions for event in snapshot.events_of_execution[execution.id])


def _is_served(artifact: Artifact) -> bool:
    """Whether a model was pushed and is still in the serving directory, or that directory is not on this machine."""
    if artifact.properties.get(serving_directory.PUSHED) != 1:
        return False
    path = local_path(str(artifact.properties.get(serving_directory.PUSHED_DESTINATION, "")))
    return path is None or exists(path) or not path.parent.exists()


def _champions(snapshot: Snapshot, pipeline: str) -> Iterator[tuple[str, list[int]]]:
    """What components/resolver/strategy.py may choose: the champion, the one before it, and the newest blessed model."""
    live = {
        artifact.id: artifact
        for artifact in snapshot.artifacts.values()
        if artifact.state is ArtifactState.LIVE and (run := snapshot.run_of(artifact.id)) and run.pipeline == pipeline
    }
    blessings = {id_: artifact.properties for id_, artifact in live.items() if artifact.type == facts.BLESSING}
    pushes = {id_: artifact.properties for id_, artifact in live.items() if artifact.type == facts.PUSHED_MODEL}
    history = champions.succession(blessings, pushes)
    champion = history.champion(live.__contains__)
    chosen = {
        CHAMPION: champion,
        BASELINE: history.champion(live.__contains__, champion),
        NEWEST_BLESSED: next((model for model in reversed(history.blessed) if model in live), None),
    }
    for reason, model in chosen.items():
        if model is not None:
            judged = [id_ for id_, blessing in blessings.items() if blessing.get(champions.CURRENT_MODEL_ID) == model]
            pushed = [id_ for id_, push in pushes.items() if push.get(champions.MODEL_ID) == model]
            yield reason, [model, *judged, *pushed]
    yield DECIDED, [id_ for id_, push in pushes.items() if push.get(champions.DECISION)]


def _last_resolved(snapshot: Snapshot, pipeline: str) -> list[int]:
    """What the Resolvers of the pipeline chose last."""
    last: dict[str, Execution] = {}
    for execution in snapshot.executions.values():
        run = snapshot.runs.get(execution.run_id)
        if run and run.pipeline == pipeline and execution.type.endswith(_RESOLVER):
            last[execution.node] = execution
    return [
        event.artifact_id
        for execution in last.values()
        for event in snapshot.events_of_execution[execution.id]
        if event.direction is Direction.RESOLVED
    ]


def _add_inputs(snapshot: Snapshot, kept: dict[int, str]) -> None:
    """Adds all inputs of the kept artifacts, direct and indirect.

    Also adds the other outputs of the same executions: TFX serves an execution from the cache only with all of its outputs.
    """
    waiting, followed = list(kept), set(kept)
    while waiting:
        producer = snapshot.producers.get(waiting.pop())
        if producer is None:
            continue
        for event in snapshot.events_of_execution[producer.id]:
            if event.direction is Direction.RESOLVED:
                continue
            kept.setdefault(event.artifact_id, INPUT if event.direction is Direction.INPUT else TOGETHER)
            if event.artifact_id not in followed and event.channel not in _STARTED_FROM:
                followed.add(event.artifact_id)
                waiting.append(event.artifact_id)


def artifact_directory(snapshot: Snapshot, artifact: Artifact, root: OwnRoot) -> Path | None:
    """The directory that TFX made for an artifact: PIPELINE_ROOT/COMPONENT/CHANNEL/EXECUTION.

    Returns:
      Its real path, whether it is still there or not; None if the artifact lies elsewhere, and must not be deleted: it was
      imported, is in another object store than S3, or is not below the root.
    """
    path, producer = local_path(artifact.uri), snapshot.producers.get(artifact.id)
    if path is None or producer is None or artifact.properties.get("is_external") == 1 or len(path.parts) < 5:
        return None
    channels = [e.channel for e in snapshot.events_of_execution[producer.id] if e.artifact_id == artifact.id]
    if path.parts[-3:] not in [(producer.node, channel, str(producer.id)) for channel in channels]:
        return None
    return real_path(path) if (is_staged(path) or path.parents[2].is_dir()) and root.has(path) else None
