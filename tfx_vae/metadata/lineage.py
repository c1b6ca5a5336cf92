"""`tfx-vae lineage`: what an artifact was made from, or what was made from it, as a graph of artifacts and executions."""

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from components.artifacts.champion import BLESSED, DECISION, TAKEN_BACK, WHY
from components.artifacts.dataset import (
    CONTENT_DIGEST,
    DATASET,
    DATASET_VERSION,
    PREPARED_DIRECTORY,
    SPLITS,
    VERSION,
    read_sources,
)
from components.artifacts.serving_directory import PUSHED, PUSHED_DESTINATION, PUSHED_VERSION
from components.errors import ConfigurationError, DataError
from tfx_vae.metadata import facts
from tfx_vae.metadata.entities import Artifact, ArtifactState, Direction, Execution, Snapshot
from tfx_vae.metadata.reader import Database, Selection, read_runs, read_snapshot
from tfx_vae.metadata.runs import LATEST

_ARTIFACT_PROPERTIES = (
    DATASET, DATASET_VERSION, BLESSED, PUSHED, PUSHED_VERSION, PUSHED_DESTINATION, DECISION, WHY, TAKEN_BACK
)  # fmt: skip
_EXECUTION_PROPERTIES = (facts.CUSTOM_CONFIG, DATASET, VERSION, SPLITS, CONTENT_DIGEST, PREPARED_DIRECTORY)

_NEARBY_STEPS = 3
_NEARBY_USERS = 12


class Kind(StrEnum):
    """What a node of the graph is."""

    ARTIFACT = "artifact"
    EXECUTION = "execution"
    DATASET = "dataset"
    """What a TfdsExampleGen read."""
    CONFIGURATION = "configuration"
    """What a Trainer was told."""


@dataclass(frozen=True)
class Node:
    """A node of the graph.

    Attributes:
      key: Unique, such as `artifact-12`.
      kind: What it is.
      label: A short text, such as `Model 12`.
      details: Everything else about it.
    """

    key: str
    kind: Kind
    label: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Edge:
    """From an input to what was made from it, by the name of the channel."""

    source: str
    target: str
    channel: str


@dataclass
class Lineage:
    """A graph without cycles.

    Attributes:
      start: The keys of the nodes that the question named.
      downstream: Whether it holds what was made from the start, and not what the start was made from.
      nodes: By key, in the order in which they were found.
      edges: In the direction of time.
    """

    start: tuple[str, ...]
    downstream: bool
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    @cached_property
    def steps(self) -> Mapping[str, list[tuple[Edge, Node]]]:
        """By key, what lies one step further from the start; for a lineage that is complete."""
        steps: dict[str, list[tuple[Edge, Node]]] = defaultdict(list)
        for edge in self.edges:
            near, far = (edge.source, edge.target) if self.downstream else (edge.target, edge.source)
            steps[near].append((edge, self.nodes[far]))
        return steps


def trace(database: Database, name: str, downstream: bool = False) -> Lineage:
    """Follows artifacts through the executions that made them, or that used them.

    Args:
      database: An open database.
      name: An artifact's id or URI, a version in the serving directory, the name of a dataset, `latest` for the newest version,
        or the name of a pipeline for its newest version.
      downstream: Follow what was made from it, instead of what it was made from.

    Raises:
      ConfigurationError: There is no such thing.
    """
    selection = Selection(artifact_properties=_ARTIFACT_PROPERTIES, execution_properties=_EXECUTION_PROPERTIES)
    snapshot = read_snapshot(database, read_runs(database), selection)
    return _follow(snapshot, find_artifacts(snapshot, name), downstream)


def trace_nearby(database: Database, artifact: int) -> tuple[Lineage, Lineage]:
    """What an artifact was made from and what was made from it, to the executions behind the next artifacts.

    Args:
      database: An open database.
      artifact: Its id.

    Returns:
      The lineage upstream, and that downstream, in which only the last executions that used it are followed.

    Raises:
      ConfigurationError: There is no such artifact.
    """
    events = read_snapshot(
        database, {}, Selection(artifacts=[artifact], artifact_properties=(), execution_properties=())
    ).events
    makers = [event.execution_id for event in events if event.direction is not Direction.INPUT]
    users = [event.execution_id for event in events if event.direction is Direction.INPUT][-_NEARBY_USERS:]
    near = ", ".join(map(str, (*makers, *users))) or "0"
    touched = [row[0] for row in database.rows(f"SELECT DISTINCT artifact_id FROM Event WHERE execution_id IN ({near})")]
    selection = Selection(
        artifacts=touched or [artifact], artifact_properties=_ARTIFACT_PROPERTIES, execution_properties=_EXECUTION_PROPERTIES
    )
    snapshot = read_snapshot(database, read_runs(database), selection)
    if artifact not in snapshot.artifacts:
        raise ConfigurationError(f"There is no artifact with the id {artifact}.")
    followed = {*makers, *users}
    events = tuple(event for event in snapshot.events if event.artifact_id != artifact or event.execution_id in followed)
    snapshot, start = replace(snapshot, events=events), [snapshot.artifacts[artifact]]
    return _follow(snapshot, start, False, _NEARBY_STEPS), _follow(snapshot, start, True, _NEARBY_STEPS)


def _follow(snapshot: Snapshot, artifacts: Sequence[Artifact], downstream: bool, steps: float = math.inf) -> Lineage:
    lineage = Lineage(tuple(_key(artifact) for artifact in artifacts), downstream)
    waiting: deque[tuple[Artifact | Execution, int]] = deque((artifact, 0) for artifact in artifacts)
    while waiting:
        current, step = waiting.popleft()
        if _key(current) in lineage.nodes:
            continue
        lineage.nodes[_key(current)] = _node(current, snapshot)
        if step == steps:
            continue
        for channel, other in _neighbours(snapshot, current, downstream):
            ends = (_key(current), _key(other)) if downstream else (_key(other), _key(current))
            lineage.edges.append(Edge(*ends, channel))
            waiting.append((other, step + 1))
        if isinstance(current, Execution) and not downstream:
            for source in _sources(current):
                lineage.nodes[source.key] = source
                lineage.edges.append(Edge(source.key, _key(current), source.kind.value))
    return lineage


def find_artifacts(snapshot: Snapshot, name: str) -> list[Artifact]:
    """What a name means: see `trace`.

    Raises:
      ConfigurationError: Nothing.
    """
    artifacts = snapshot.artifacts.values()
    pushed = [
        artifact
        for artifact in artifacts
        if artifact.properties.get(PUSHED) == 1 and str(artifact.properties.get(PUSHED_VERSION)) == name
    ]
    if pushed or (pushed := _newest_version(snapshot, name)):
        return pushed
    if name.isdecimal() and int(name) in snapshot.artifacts:
        return [snapshot.artifacts[int(name)]]
    found = [artifact for artifact in artifacts if artifact.uri == name.rstrip("/")]
    found = found or [artifact for artifact in artifacts if artifact.properties.get(DATASET) == name]
    if not found:
        raise ConfigurationError(
            f"There is no artifact with the id or URI {name!r}, no pushed version {name!r}, no dataset of that name, and no "
            "pipeline of that name with a pushed model: "
            "`tfx-vae artifacts` lists the artifacts, `tfx-vae runs` the versions."
        )
    return found


def _newest_version(snapshot: Snapshot, name: str) -> list[Artifact]:
    """The newest of all pushed versions for `latest`, and of a pipeline for its name."""
    found = [
        artifact
        for artifact in snapshot.artifacts.values()
        if artifact.properties.get(PUSHED) == 1
        and (run := snapshot.run_of(artifact.id)) is not None
        and name in (LATEST, run.pipeline)
    ]
    return found[-1:]


def _neighbours(
    snapshot: Snapshot, current: Artifact | Execution, downstream: bool
) -> Iterator[tuple[str, Artifact | Execution]]:
    """With the name of the channel that leads there."""
    if isinstance(current, Execution):
        direction = Direction.OUTPUT if downstream else Direction.INPUT
        for channel, artifacts in snapshot.linked(current, direction).items():
            for artifact in artifacts:
                yield channel, artifact
        return
    if downstream:
        executions: Sequence[Execution] = snapshot.users[current.id]
    else:
        executions = [snapshot.producers[current.id]] if current.id in snapshot.producers else []
    direction = Direction.INPUT if downstream else Direction.OUTPUT
    for execution in executions:
        for event in snapshot.events_of_execution[execution.id]:
            if event.artifact_id == current.id and event.direction is direction:
                yield event.channel, execution


def _key(thing: Artifact | Execution) -> str:
    return f"{type(thing).__name__.lower()}-{thing.id}"


def _node(thing: Artifact | Execution, snapshot: Snapshot) -> Node:
    if isinstance(thing, Execution):
        run = snapshot.runs.get(thing.run_id)
        details: dict[str, Any] = {
            "id": thing.id,
            "node": thing.node,
            "run": thing.run_id,
            "pipeline": run.pipeline if run else "",
            "state": thing.state.value,
        }
        return Node(_key(thing), Kind.EXECUTION, f"{thing.node or thing.type} of run {thing.run_id}", details)
    details = {
        "id": thing.id,
        "type": thing.type,
        "state": thing.state.value,
        "uri": thing.uri,
        "properties": dict(thing.properties),
    }
    return Node(_key(thing), Kind.ARTIFACT, _artifact_label(thing), details)


def _artifact_label(artifact: Artifact) -> str:
    words = [f"{artifact.type} {artifact.id}"]
    if artifact.properties.get(PUSHED) == 1:
        words.append(f"version {artifact.properties.get(PUSHED_VERSION)}")
    if DECISION in artifact.properties:
        words.append(f"{artifact.properties[DECISION]}: {artifact.properties.get(WHY, '')}")
    if TAKEN_BACK in artifact.properties:
        words.append(f"taken back: {artifact.properties[TAKEN_BACK]}")
    if artifact.type in (facts.BLESSING, facts.INFRA_BLESSING):
        words.append("blessed" if artifact.properties.get(BLESSED) == 1 else "not blessed")
    if DATASET in artifact.properties:
        words.append(f"{artifact.properties[DATASET]} {artifact.properties.get(DATASET_VERSION, '')}".strip())
    if artifact.state is not ArtifactState.LIVE:
        words.append(artifact.state.value)
    return ", ".join(words)


def _sources(execution: Execution) -> Iterator[Node]:
    """The inputs of an execution that are not artifacts: files and settings."""
    data = facts.data([execution])
    if data:
        label = f"{data.get(DATASET) or 'dataset'} {data.get(VERSION, '')}".strip()
        files = dataset_files(execution.properties.get(PREPARED_DIRECTORY))
        yield Node(f"dataset-{execution.id}", Kind.DATASET, label, data | files)
    settings = facts.training_settings(execution)
    if settings:
        label = f"configuration of the {settings.model.get('kind', 'model')}"
        yield Node(
            f"configuration-{execution.id}", Kind.CONFIGURATION, label, settings.model_dump(include={"model", "trainer"})
        )


def dataset_files(prepared_directory: str | None) -> dict[str, Any]:
    """Finds the files behind the records that TfdsExampleGen read.

    Args:
      prepared_directory: Where it found the prepared dataset.

    Returns:
      `prepared_directory`; `records`, its files of records; and `sources`, what those were made from, each with its `path`,
      `size` in bytes and `sha256`. Both lists are empty where the directory is gone, the second also if the sources were not
      down.
    """
    if prepared_directory is None:
        return {}
    directory = Path(prepared_directory)
    try:
        sources = read_sources(directory)
    except (OSError, DataError):
        sources = {}
    return {
        "prepared_directory": prepared_directory,
        "records": [str(path) for path in sorted(directory.glob("*.tfrecord*"))],
        "sources": [
            {name: value for name, value in asdict(source).items() if name != "modified_ns"} for source in sources.values()
        ],
    }
