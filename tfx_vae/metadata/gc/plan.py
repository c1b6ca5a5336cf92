"""What to free."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tfx_vae.metadata.disk import size_on_disk
from tfx_vae.metadata.entities import Artifact, ArtifactState, Snapshot
from tfx_vae.metadata.gc.leftovers import Leftover, find_leftovers
from tfx_vae.metadata.gc.policy import Policy
from tfx_vae.metadata.gc.protection import METRICS, artifact_directory, protected

# A gc that was killed leaves these behind; it meant to delete them.
_UNFINISHED = ArtifactState.MARKED_FOR_DELETION


@dataclass(frozen=True)
class Freed:
    """An artifact to be freed.

    Attributes:
      artifact: As ML Metadata has it.
      directory: Its directory.
      size: Its bytes on disk.
    """

    artifact: Artifact
    directory: Path
    size: int


@dataclass(frozen=True)
class Plan:
    """What to free, and what stays.

    Attributes:
      artifacts: To be freed.
      leftovers: Other files and directories to be freed.
      restored: Artifacts that a gc which was killed had marked, and which are in use now.
      kept: How many stay, by reason.
      elsewhere: How many would be freed but lie where this machine does not reach.
    """

    artifacts: tuple[Freed, ...]
    leftovers: tuple[Leftover, ...]
    restored: tuple[Artifact, ...]
    kept: dict[str, int]
    elsewhere: int

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(freed.size for freed in self.artifacts) + sum(leftover.size for leftover in self.leftovers)


def make_plan(snapshot: Snapshot, policy: Policy, now: datetime) -> Plan:
    """Decides what to free; nothing is changed.

    Args:
      snapshot: The whole database.
      policy: What to keep beyond what must be kept.
      now: The time that ages are counted from.
    """
    keep = protected(snapshot, policy)
    cutoff = int((now - (policy.older_than or timedelta(0))).timestamp() * 1000)
    used = _last_used(snapshot)
    freed, restored, kept, elsewhere = [], [], Counter[str](), 0
    for artifact in snapshot.artifacts.values():
        if artifact.state not in (ArtifactState.LIVE, _UNFINISHED):
            continue
        directory = artifact_directory(snapshot, artifact)
        if artifact.id in keep:
            kept[keep[artifact.id]] += 1
            if artifact.state is _UNFINISHED and directory is not None and directory.exists():
                restored.append(artifact)
            elif artifact.state is _UNFINISHED and directory is not None:
                freed.append(_freed(artifact, directory))
        elif used.get(artifact.id, artifact.created) > cutoff and artifact.state is ArtifactState.LIVE:
            kept["used too lately"] += 1
        elif directory is None:
            elsewhere += 1
        else:
            freed.append(_freed(artifact, directory))
    still_used = {id_ for id_, reason in keep.items() if reason != METRICS} - {entry.artifact.id for entry in freed}
    leftovers = tuple(find_leftovers(snapshot, policy, cutoff, still_used))
    return Plan(tuple(freed), leftovers, tuple(restored), dict(kept), elsewhere)


def _freed(artifact: Artifact, directory: Path) -> Freed:
    sizes = (size_on_disk(str(path)) or 0 for path in (directory, being_deleted(directory)))
    return Freed(artifact, directory, sum(sizes))


def being_deleted(directory: Path) -> Path:
    """What a directory is called from the moment on in which it may no longer be whole."""
    return directory.with_name(f".deleting-{directory.name}")


def _last_used(snapshot: Snapshot) -> dict[int, int]:
    """By artifact, when an execution last had to do with it, in milliseconds since 1970."""
    used: dict[int, int] = {}
    for event in snapshot.events:
        execution = snapshot.executions.get(event.execution_id)
        if execution is not None:
            used[event.artifact_id] = max(used.get(event.artifact_id, 0), execution.updated)
    return used
