"""Which artifacts there are, and how much disk each takes."""

import difflib
from dataclasses import dataclass

from components.errors import ConfigurationError
from tfx_vae.metadata.disk import size_on_disk
from tfx_vae.metadata.entities import Artifact, Direction, Execution, Snapshot
from tfx_vae.metadata.questions.runs import find_run
from tfx_vae.metadata.store.database import Database
from tfx_vae.metadata.store.reader import Selection, read_runs, read_snapshot


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
      type_: Of this type alone, e.g. `Model`.
      run: Those alone that this run made or was served from the cache.

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
