"""Decides which artifacts and files to delete, and prints the decision."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

from components.artifacts.serving_directory import PUSHED_DESTINATION
from components.bucket import exists
from tfx_vae.metadata.disk import OwnRoot, RealFiles, local_path, size_on_disk
from tfx_vae.metadata.entities import Artifact, ArtifactState, Snapshot
from tfx_vae.metadata.gc.leftovers import Leftover, find_leftovers, find_temporary
from tfx_vae.metadata.gc.protection import METRICS, SHARED, Policy, artifact_directory, protected
from tfx_vae.metadata.printing import Cell, Column, describe_size, print_columns

# A killed gc leaves artifacts in this state.
_UNFINISHED = ArtifactState.MARKED_FOR_DELETION


@dataclass(frozen=True)
class Freed:
    """An artifact to be deleted.

    Attributes:
      artifact: As ML Metadata has it.
      directory: Its real directory.
      size: Its bytes on disk.
    """

    artifact: Artifact
    directory: Path
    size: int


@dataclass(frozen=True)
class Plan:
    """What to delete, and what is kept.

    Attributes:
      artifacts: To be deleted.
      leftovers: Other files and directories to be deleted.
      restored: Artifacts that a killed gc marked and that are in use now.
      kept: The number of kept artifacts by reason.
      elsewhere: The number that would be deleted but are outside the root.
      root: The directory of everything that is deleted.
    """

    artifacts: tuple[Freed, ...]
    leftovers: tuple[Leftover, ...]
    restored: tuple[Artifact, ...]
    kept: dict[str, int]
    elsewhere: int
    root: OwnRoot

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(freed.size for freed in self.artifacts) + sum(leftover.size for leftover in self.leftovers)


def make_plan(snapshot: Snapshot, root: OwnRoot, policy: Policy, now: datetime) -> Plan:
    """Decides what to delete; nothing is changed.

    Args:
      snapshot: The whole database.
      root: Where gc may delete.
      policy: What to keep beyond what must be kept.
      now: The time that ages are counted from.
    """
    keep = protected(snapshot, policy)
    # In numbers, since no date is as old as some ages.
    cutoff = int((now.timestamp() - (policy.older_than or timedelta(0)).total_seconds()) * 1000)
    used = _last_used(snapshot)
    freed, restored, kept, elsewhere = [], [], Counter[str](), 0
    for artifact in snapshot.artifacts.values():
        if artifact.state not in (ArtifactState.LIVE, _UNFINISHED):
            continue
        directory = artifact_directory(snapshot, artifact, root)
        if artifact.id in keep:
            kept[keep[artifact.id]] += 1
            if artifact.state is _UNFINISHED and directory is not None and exists(directory):
                restored.append(artifact)
            elif artifact.state is _UNFINISHED and directory is not None:
                freed.append(_freed(artifact, directory))
        elif used.get(artifact.id, artifact.created) > cutoff and artifact.state is ArtifactState.LIVE:
            kept["used too lately"] += 1
        elif directory is None:
            elsewhere += 1
        else:
            freed.append(_freed(artifact, directory))
    while shared := _shared(snapshot, freed):
        kept[SHARED] += len(shared)
        freed = [entry for entry in freed if entry not in shared]
    still_used = {id_ for id_, reason in keep.items() if reason != METRICS} - {entry.artifact.id for entry in freed}
    found = find_leftovers(snapshot, policy, cutoff, still_used)
    meant = RealFiles(_meant(_undeleted(snapshot)))
    leftovers = tuple(leftover for leftover in found if root.has(leftover.path) and not meant.overlap(leftover.path))
    leftovers += tuple(find_temporary())
    return Plan(tuple(freed), leftovers, tuple(restored), dict(kept), elsewhere, root)


def _shared(snapshot: Snapshot, freed: list[Freed]) -> list[Freed]:
    """Artifacts to be deleted whose files belong to a kept artifact too."""
    going = {entry.artifact.id for entry in freed}
    meant = RealFiles(_meant(artifact for artifact in _undeleted(snapshot) if artifact.id not in going))
    return [entry for entry in freed if meant.overlap(entry.directory)]


def _undeleted(snapshot: Snapshot) -> Iterator[Artifact]:
    gone = (ArtifactState.DELETED, ArtifactState.ABANDONED)
    return (artifact for artifact in snapshot.artifacts.values() if artifact.state not in gone)


def _meant(artifacts: Iterable[Artifact]) -> Iterator[Path]:
    """The files of artifacts on this machine, and their pushed copies."""
    for artifact in artifacts:
        for place in (artifact.uri, str(artifact.properties.get(PUSHED_DESTINATION, ""))):
            if path := local_path(place):
                yield path


def _freed(artifact: Artifact, directory: Path) -> Freed:
    sizes = (size_on_disk(str(path)) or 0 for path in (directory, being_deleted(directory)))
    return Freed(artifact, directory, sum(sizes))


def being_deleted(directory: Path) -> Path:
    """The name of a directory while it is being deleted."""
    return directory.with_name(f".deleting-{directory.name}")


def _last_used(snapshot: Snapshot) -> dict[int, int]:
    """By artifact, when an execution last made or used it, in milliseconds since 1970."""
    used: dict[int, int] = {}
    for event in snapshot.events:
        execution = snapshot.executions.get(event.execution_id)
        if execution is not None:
            used[event.artifact_id] = max(used.get(event.artifact_id, 0), execution.updated)
    return used


_COLUMNS = (Column("FREED"), Column("NUMBER", is_number=True), Column("SIZE", is_number=True))


def print_plan(plan: Plan, dry_run: bool, console: Console) -> None:
    """Prints what was deleted, or would be, and why the rest is kept."""
    groups: dict[str, list[int]] = defaultdict(list)
    for freed in plan.artifacts:
        groups[freed.artifact.type].append(freed.size)
    for leftover in plan.leftovers:
        groups[leftover.kind.value].append(leftover.size)
    if groups:
        rows = [[Cell(name), Cell(str(len(sizes))), Cell(describe_size(sum(sizes)))] for name, sizes in groups.items()]
        print_columns(console, _COLUMNS, rows)
    for reason, count in sorted(plan.kept.items(), key=lambda item: -item[1]):
        console.print(Text(f"{count} kept: {reason}", "dim"), soft_wrap=True)
    if plan.elsewhere:
        console.print(Text(f"{plan.elsewhere} not deleted: {plan.root.describe_elsewhere()}", "dim"), soft_wrap=True)
    if plan.restored:
        console.print(
            Text(f"{len(plan.restored)} that an interrupted gc had marked are in use and were restored"), soft_wrap=True
        )
    verdict = f"{describe_size(plan.size)} would be freed." if dry_run else f"{describe_size(plan.size)} freed."
    console.print(Text(verdict if groups else "Nothing to free.", "bold"))
