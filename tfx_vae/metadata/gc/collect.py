"""Carries out a plan so that it can be killed at any moment.

The order makes it safe:

1. All artifacts of the plan become MARKED_FOR_DELETION. From then on TFX neither serves them from the cache nor resolves
   them.
2. Everything is read and decided again: what a run on a server used meanwhile becomes LIVE again, its files untouched.
3. A directory is renamed in one step and only then emptied, so a directory with its original name is complete.
4. The artifacts become DELETED.

A second call restores marked artifacts that are in use and have their directory, and deletes the other marked ones.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from components import bucket
from components.errors import PipelineError
from pipelines.mlmd.connections import check_values, open_store
from pipelines.mlmd.location import Location
from pipelines.mlmd.lock import database_lock
from pipelines.mlmd.moved_root import follow_moved_root
from pipelines.mlmd.record import end_killed
from tfx_vae.metadata.disk import OwnRoot
from tfx_vae.metadata.entities import Artifact, ArtifactState, Snapshot
from tfx_vae.metadata.gc.leftovers import Leftover
from tfx_vae.metadata.gc.plan import Freed, Plan, being_deleted, make_plan
from tfx_vae.metadata.gc.protection import Policy
from tfx_vae.metadata.reader import open_database, read_runs, read_snapshot

_AT_ONCE = 500


def plan_only(location: Location, root: Path, policy: Policy) -> Plan:
    """What `collect` would delete; nothing is written to disk or to the database."""
    return make_plan(_read(location), OwnRoot(root, location), policy, datetime.now())


def collect(location: Location, root: Path, policy: Policy, waiting: Callable[[str], AbstractContextManager[None]]) -> Plan:
    """Deletes what a policy does not keep.

    Args:
      location: The database.
      root: The directory that its runs write to; nothing outside it is deleted.
      policy: What to keep beyond what must be kept.
      waiting: What to do while a run holds the lock of a SQLite database: see `database_lock`.

    Returns:
      What was deleted.

    Raises:
      PipelineError: The database cannot be read or written, or a directory cannot be deleted; the
        next call records what was deleted until then.
    """
    _read(location)  # a database that is missing or of another schema is refused before the client would make or change it
    with database_lock(location, "tfx-vae gc", waiting):
        store = open_store(location, check_values(location))
        follow_moved_root(store, location)
        end_killed(store)
        own = OwnRoot(root, location)
        plan = make_plan(_read(location), own, policy, datetime.now())
        _set_states(store, [freed.artifact for freed in plan.artifacts], ArtifactState.MARKED_FOR_DELETION)
        plan = _marked(make_plan(_read(location), own, policy, datetime.now()))
        _set_states(store, plan.restored, ArtifactState.LIVE)
        for freed in plan.artifacts:
            _delete(freed)
        _set_states(store, [freed.artifact for freed in plan.artifacts], ArtifactState.DELETED)
        for leftover in plan.leftovers:
            _remove(leftover)
    return plan


def _read(location: Location) -> Snapshot:
    with open_database(location) as database:
        return read_snapshot(database, read_runs(database))


def _marked(plan: Plan) -> Plan:
    """The plan without artifacts that became free after the marking."""
    marked = (freed for freed in plan.artifacts if freed.artifact.state is ArtifactState.MARKED_FOR_DELETION)
    return replace(plan, artifacts=tuple(marked))


def _set_states(store: Any, artifacts: Sequence[Artifact], state: ArtifactState) -> None:
    from ml_metadata.proto import metadata_store_pb2

    number = metadata_store_pb2.Artifact.State.Value(state.name)
    for ids in _batches([artifact.id for artifact in artifacts]):
        changed = store.get_artifacts_by_id(ids)
        for artifact in changed:
            artifact.state = number
        store.put_artifacts(changed)


def _batches(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _delete(freed: Freed) -> None:
    bucket.delete(freed.directory)
    doomed = being_deleted(freed.directory)
    try:
        if doomed.exists():
            shutil.rmtree(doomed)
        if freed.directory.exists():
            freed.directory.rename(doomed)
            shutil.rmtree(doomed)
    except OSError as error:
        raise _cannot_delete(str(freed.directory), error) from error


def _remove(leftover: Leftover) -> None:
    bucket.delete(leftover.path)
    try:
        if leftover.path.is_dir() and not leftover.path.is_symlink():
            shutil.rmtree(leftover.path)
        else:
            leftover.path.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_delete(str(leftover.path), error) from error


def _cannot_delete(path: str, error: OSError) -> PipelineError:
    return PipelineError(f"{path} cannot be deleted ({error.strerror}): fix its permissions and run gc again.")
