"""`tfx-vae artifacts`: lists artifacts with the disk that each takes."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from components.errors import ConfigurationError
from tfx_vae.metadata.disk import size_on_disk
from tfx_vae.metadata.entities import Artifact, Direction, Execution, Snapshot
from tfx_vae.metadata.printing import NONE, Cell, Column, describe_size, print_columns, state_style
from tfx_vae.metadata.reader import Database, Selection, read_artifacts, read_runs, read_snapshot
from tfx_vae.metadata.runs import find_run


@dataclass(frozen=True)
class ArtifactDetails:
    """One artifact.

    Attributes:
      artifact: As ML Metadata has it.
      channel: The output of its producer that it is.
      producer: The execution that made it; None if that is not known.
      size: Bytes on this machine's disk; None if there is nothing at its URI, or it is not a path.
    """

    artifact: Artifact
    channel: str
    producer: Execution | None
    size: int | None


def list_artifacts(database: Database, type_: str | None = None, run: str | None = None) -> list[ArtifactDetails]:
    """Lists artifacts.

    Args:
      database: An open database.
      type_: Only artifacts of this type, e.g. `Model`.
      run: Only outputs of this run, including those from the cache.

    Returns:
      The artifacts, the newest first.

    Raises:
      ConfigurationError: There is no such run or type.
    """
    runs = read_runs(database)
    wanted = None if run is None else find_run(runs, run)
    snapshot = read_snapshot(database, runs, Selection(execution_properties=()))
    artifacts = list(snapshot.artifacts.values()) if wanted is None else _outputs(snapshot, wanted.id)
    if type_ is not None:
        _check_type(type_, {artifact.type for artifact in snapshot.artifacts.values()})
        artifacts = [artifact for artifact in artifacts if artifact.type == type_]
    return _details(snapshot, artifacts)


@dataclass(frozen=True)
class ArtifactPage:
    """Some of the artifacts that were asked for.

    Attributes:
      total: How many there are.
      types: All types of artifacts in the database.
      artifacts: The newest first.
    """

    total: int
    types: tuple[str, ...]
    artifacts: list[ArtifactDetails]


def page_of_artifacts(database: Database, type_: str | None, words: str, start: int, count: int) -> ArtifactPage:
    """Lists a few artifacts of many, so that only their sizes are looked up.

    Args:
      database: An open database.
      type_: Only artifacts of this type.
      words: Only artifacts that have each of these words in their id, type, state or URI.
      start: How many of the newest are left out.
      count: How many follow.
    """
    every = read_artifacts(database, Selection(artifact_properties=()))
    wanted = [
        artifact
        for artifact in every.values()
        if type_ in (None, artifact.type)
        and all(
            word in f"{artifact.id} {artifact.type} {artifact.state} {artifact.uri}".lower() for word in words.lower().split()
        )
    ]
    newest = [artifact.id for artifact in reversed(wanted)][start : start + count]
    types = sorted({artifact.type for artifact in every.values()})
    return ArtifactPage(len(wanted), tuple(types), list_some_artifacts(database, newest))


def list_some_artifacts(database: Database, ids: Collection[int]) -> list[ArtifactDetails]:
    """Lists the artifacts that have one of some ids, the newest first."""
    snapshot = read_snapshot(database, read_runs(database), Selection(artifacts=ids, execution_properties=()))
    return _details(snapshot, list(snapshot.artifacts.values()))


def _details(snapshot: Snapshot, artifacts: Sequence[Artifact]) -> list[ArtifactDetails]:
    channels = {event.artifact_id: event.channel for event in snapshot.events if event.direction is Direction.OUTPUT}
    return [
        ArtifactDetails(
            artifact, channels.get(artifact.id, ""), snapshot.producers.get(artifact.id), size_on_disk(artifact.uri)
        )
        for artifact in sorted(artifacts, key=lambda artifact: artifact.id, reverse=True)
    ]


def _outputs(snapshot: Snapshot, run_id: str) -> list[Artifact]:
    ids = {
        event.artifact_id
        for execution in snapshot.executions_of_run[run_id]
        for event in snapshot.events_of_execution[execution.id]
        if event.direction is Direction.OUTPUT
    }
    return [snapshot.artifacts[id_] for id_ in ids if id_ in snapshot.artifacts]


def _check_type(type_: str, known: set[str]) -> None:
    if type_ not in known:
        close = difflib.get_close_matches(type_, sorted(known), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known)) or 'none'}."
        raise ConfigurationError(f"There is no artifact of type {type_!r}: {hint}")


_COLUMNS = (
    Column("ID", is_number=True),
    Column("TYPE", shrinks_to=10),
    Column("STATE"),
    Column("SIZE", is_number=True),
    Column("PRODUCER", shrinks_to=8),
    Column("RUN", shrinks_to=19, is_optional=True),
    Column("URI", shrinks_to=20, keeps_end=True),
    Column("PROPERTIES", is_optional=True),
)
# Every artifact has them.
_BOILERPLATE = ("tfx_version", "is_external")


def print_artifacts(artifacts: Sequence[ArtifactDetails], console: Console) -> None:
    """Prints a line for each artifact, and the bytes of all."""
    if not artifacts:
        console.print(Text("No artifacts."))
        return
    print_columns(console, _COLUMNS, [_row(details) for details in artifacts])
    total = sum(details.size or 0 for details in artifacts)
    if console.is_terminal:
        console.print(Text(f"{len(artifacts)} artifacts, {describe_size(total)} on this machine's disk", "dim"))


def _row(details: ArtifactDetails) -> list[Cell]:
    artifact, producer = details.artifact, details.producer
    return [
        Cell(str(artifact.id), "bold"),
        Cell(artifact.type),
        Cell(artifact.state.value, state_style(artifact.state)),
        Cell(describe_size(details.size)),
        Cell(producer.node if producer else NONE),
        Cell(producer.run_id if producer else NONE),
        Cell(artifact.uri),
        Cell(_properties(artifact.properties), "dim"),
    ]


def _properties(properties: Mapping[str, Any]) -> str:
    told = {name: value for name, value in sorted(properties.items()) if name not in _BOILERPLATE and value not in ("", None)}
    return " ".join(f"{name}={value}" for name, value in told.items())
