"""Follows a root that was moved or copied: the paths in its database are brought below the place where it is now."""

import os
import re
from pathlib import Path
from typing import Any, Final

from components.artifacts.serving_directory import PUSHED_DESTINATION
from pipelines.mlmd import names
from pipelines.mlmd.location import DATABASE_NAME, Backend, Location, real_path

_BELOW_A_ROOT: Final = re.compile(r"/(?:pipelines/[^/]+(?:/[^/]+/[^/]+/\d+(?:/.*)?)?|serving/[^/]+/\d+|logs/[^/]+/[^/]+\.log)")
"""PIPELINE_ROOT, PIPELINE_ROOT/COMPONENT/CHANNEL/EXECUTION, a served version, and the log of a run."""


def follow_moved_root(store: Any, location: Location) -> int:
    """Replaces recorded paths outside the root by those of the same files below it.

    A copy of a root then uses its own files, and not those of the original. Files that are not below the root stay as recorded.
    A database on a server, or in a file outside its root, is left alone: its root is not known.

    Args:
      store: An `ml_metadata.MetadataStore`. No run may be writing to it.
      location: Its database.

    Returns:
      The number of artifacts and runs whose paths were replaced.
    """
    if location.backend is not Backend.SQLITE or location.path.name != DATABASE_NAME:
        return 0
    root = real_path(location.path.parent)
    artifacts = [artifact for artifact in store.get_artifacts() if _follow_artifact(artifact, root)]
    runs = [] if not _has_runs(store) else [run for run in store.get_contexts_by_type("pipeline_run") if _follow_run(run, root)]
    if artifacts:
        store.put_artifacts(artifacts)
    if runs:
        store.put_contexts(runs)
    return len(artifacts) + len(runs)


def _has_runs(store: Any) -> bool:
    return "pipeline_run" in [type_.name for type_ in store.get_context_types()]


def _follow_artifact(artifact: Any, root: Path) -> bool:
    uri = path_below(root, artifact.uri)
    if uri is not None:
        artifact.uri = uri
    return _follow_properties(artifact, (PUSHED_DESTINATION,), root) or uri is not None


def _follow_run(run: Any, root: Path) -> bool:
    return _follow_properties(run, (names.LOG, names.PIPELINE_ROOT), root)


def _follow_properties(node: Any, properties: tuple[str, ...], root: Path) -> bool:
    changed = False
    for name in properties:
        if name in node.custom_properties:
            path = path_below(root, node.custom_properties[name].string_value)
            if path is not None:
                node.custom_properties[name].string_value = path
                changed = True
    return changed


def path_below(root: Path, recorded: str) -> str | None:
    """The path below a root of what was recorded elsewhere; None if it is below it already, or has no counterpart there.

    Args:
      root: The real path of the root.
      recorded: A path, or a URI.
    """
    if not recorded.startswith("/") or recorded.startswith(f"{root}/"):
        return None
    if Path(os.path.realpath(recorded)).is_relative_to(root):
        return None
    tails = (recorded[slash.start() :] for slash in re.finditer("/", recorded))
    candidates = (f"{root}{tail}" for tail in tails if _BELOW_A_ROOT.fullmatch(tail))
    return next((candidate for candidate in candidates if os.path.lexists(candidate)), None)
