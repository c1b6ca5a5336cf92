"""A run for which nothing has changed since the last one: it is recorded as served from the cache, without importing TFX.

TFX loads all of its code to find out whether a component must run, which takes most of the time of such a run. So a run that is
complete leaves a fingerprint of everything that decided its result, and the next run compares it. If anything differs, or may
differ, the run goes through TFX, whose own cache decides for each component.
"""

import contextlib
import hashlib
import itertools
import json
import os
import platform
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import components
from components.artifacts.files import is_in_object_store, is_there
from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.local.display import NodeResult, NodeState, RunDisplay
from pipelines.mlmd import names
from pipelines.mlmd.connections import check_values, open_store
from pipelines.mlmd.lock import locked
from pipelines.mlmd.moved_root import follow_moved_root
from pipelines.mlmd.record import end_killed, finish_record, installed_versions, start_record, write_facts

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_PATTERN: Final = re.compile(r"[{*?\[]")

Files = Mapping[str, tuple[int, int]]
"""Size in bytes and time of modification in nanoseconds, by path."""


def files_read(config: PipelineConfig) -> Files:
    """The files that a run of this configuration may read, as they are now."""
    data = config.data
    found: dict[str, tuple[int, int]] = {}
    for source in (config.schema_path, data.directory, data.arriving, data.source_dir, _prepared_directory(config)):
        if source is not None:
            found.update(_files_below(_without_pattern(source)))
    return found


def fingerprint(config: PipelineConfig, files: Files) -> str:
    """A digest of all that decides the results of a run, except for ML Metadata: 64 hexadecimal digits."""
    decisive = {
        "configuration": config.settings(),
        "files": sorted(files.items()),
        "source": _source_digest(),
        "versions": [platform.python_version(), installed_versions()],
    }
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def remember(config: PipelineConfig, run_id: str, before: Files) -> None:
    """Records the fingerprint of a run that is complete, unless somebody changed a file while it was running.

    Args:
      config: Of the run.
      run_id: The run.
      before: What `files_read` found before it.
    """
    after = files_read(config)
    prepared = f"{_prepared_directory(config)}/"
    new = [path for path in after.keys() - before.keys() if path != str(config.schema_path) and not path.startswith(prepared)]
    if new or any(after.get(path) != state for path, state in before.items()):
        return
    store = open_store(config.metadata_location)
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    write_facts(store, run, {names.FINGERPRINT: fingerprint(config, after)})


def repeat(config: PipelineConfig, run_id: str, log: Path, display: RunDisplay, files: Files) -> dict[str, NodeResult] | None:
    """Records a run whose every component is served from the last run of the pipeline.

    Args:
      config: A validated configuration.
      run_id: The name of the run; new for each run.
      log: Its log, an existing file.
      display: Where to show the components.
      files: From `files_read`.

    Returns:
      The results of all nodes; None if something has changed, or may have: nothing is recorded then.
    """
    if not config.runtime.cache or is_in_object_store(config.pipeline_root):
        return None
    try:
        store = open_store(config.metadata_location, check_values(config.metadata_location))
    except PipelineError:  # the run says why
        return None
    last = _last_run(store, config)
    if last is None or last.custom_properties[names.FINGERPRINT].string_value != fingerprint(config, files):
        return None
    executions = sorted(store.get_executions_by_context(last.id), key=lambda execution: execution.id)
    if not executions or not _are_there(store, executions):
        return None
    with locked(log):
        return _record(store, config, run_id, log, display, executions, last)


def _record(
    store: Any, config: PipelineConfig, run_id: str, log: Path, display: RunDisplay, executions: list[Any], last: Any
) -> dict[str, NodeResult]:
    display.run_started(config.name, run_id, len(executions))
    start_record(store, config.name, run_id, config.pipeline_root, log, config.settings())
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    results = {}
    for execution in executions:
        started = time.monotonic()
        contexts = [context for context in store.get_contexts_by_execution(execution.id) if context.id != last.id]
        [node] = [context.name.removeprefix(f"{config.name}.") for context in contexts if context.type == "node"]
        display.node_started(node)
        results[node] = _serve(store, execution, [*contexts, run])
        display.node_ended(node, results[node], time.monotonic() - started)
    finish_record(store, run_id, "complete")
    fact = last.custom_properties[names.FINGERPRINT].string_value
    write_facts(store, run, {names.FINGERPRINT: fact})
    return results


def _serve(store: Any, execution: Any, contexts: list[Any]) -> NodeResult:
    """Records the execution of a node that is served from an earlier one, as TFX does; a resolver is resolved again."""
    from ml_metadata.proto import metadata_store_pb2

    states, events = metadata_store_pb2.Execution, metadata_store_pb2.Event
    outputs: dict[str, list[metadata_store_pb2.Artifact]] = {}
    linked = []
    for event in store.get_events_by_execution_ids([execution.id]):
        [artifact] = store.get_artifacts_by_id([event.artifact_id])
        again = events(artifact_id=event.artifact_id, type=event.type, path=event.path)
        linked.append((artifact, again))
        if event.type in (events.OUTPUT, events.INTERNAL_OUTPUT):
            outputs.setdefault(event.path.steps[0].key, []).append(artifact)
    served = states(type_id=execution.type_id, name=str(uuid.uuid4()))
    served.properties.update(execution.properties)
    for name, value in execution.custom_properties.items():
        served.custom_properties[name].CopyFrom(value)
    is_resolver = "Resolver" in execution.type
    served.last_known_state = states.COMPLETE if is_resolver else states.CACHED
    identity, *_ = store.put_execution(served, linked, contexts)
    return NodeResult(NodeState.RAN if is_resolver else NodeState.CACHED, identity, outputs)


def _last_run(store: Any, config: PipelineConfig) -> "metadata_store_pb2.Context | None":
    """The last run of the pipeline, if it is complete; a person's decision counts as a run."""
    follow_moved_root(store, config.metadata_location)
    if not {"pipeline", "pipeline_run"} <= {type_.name for type_ in store.get_context_types()}:
        return None
    end_killed(store)
    pipeline = store.get_context_by_type_and_name("pipeline", config.name)
    runs = [] if pipeline is None else store.get_children_contexts_by_context(pipeline.id)
    last = max(runs, key=lambda run: run.id, default=None)
    return last if last is not None and last.custom_properties[names.STATE].string_value == "complete" else None


def _are_there(store: Any, executions: list[Any]) -> bool:
    """Whether all that a run read and made is still there."""
    from ml_metadata.proto import metadata_store_pb2

    events = store.get_events_by_execution_ids([execution.id for execution in executions])
    artifacts = store.get_artifacts_by_id(list({event.artifact_id for event in events}))
    live = metadata_store_pb2.Artifact.LIVE
    return all(artifact.state == live and is_there(artifact.uri) for artifact in artifacts)


def _prepared_directory(config: PipelineConfig) -> Path | None:
    return None if config.data.dataset is None else config.data_dir / config.data.dataset.partition(":")[0]


def _without_pattern(path: Path) -> Path:
    """The part of a path before the first one with a placeholder or a wildcard."""
    return Path(*itertools.takewhile(lambda part: not _PATTERN.search(part), path.parts))


def _files_below(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """All files below a directory, or the file itself; nothing if there is none."""
    if path.is_file():
        status = path.stat()
        yield str(path), (status.st_size, status.st_mtime_ns)
    for directory, _, files in os.walk(path):
        for file in (Path(directory, name) for name in files):
            with contextlib.suppress(FileNotFoundError):
                status = file.stat()
                yield str(file), (status.st_size, status.st_mtime_ns)


def _source_digest() -> str:
    """Of every file of `components` and `pipelines`."""
    root = Path(components.__file__).parents[1]
    digest = hashlib.sha256()
    for package in ("components", "pipelines"):
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(root)} ".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
