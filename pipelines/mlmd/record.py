"""What a run records about itself in ML Metadata, and how a run that was killed is recognised and recorded as failed."""

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from components.bucket import uri_of
from pipelines.mlmd import names
from pipelines.mlmd.lock import is_locked

_PACKAGES: Final = (
    "tfx-vae", "tfx", "tensorflow", "keras", "tensorflow-transform", "tensorflow-model-analysis",
    "tensorflow-data-validation", "tensorflow-datasets", "ml-metadata", "apache-beam", "numpy",
)  # fmt: skip


def start_record(
    store: Any,
    pipeline: str,
    run_id: str,
    pipeline_root: Path | str,
    log: Path | None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Makes the contexts of a pipeline and of a run, as TFX does with the first component, and records the run as running.

    Args:
      store: An `ml_metadata.MetadataStore`.
      pipeline: The pipeline's name.
      run_id: The run's.
      pipeline_root: The directory of its artifacts, or its URI.
      log: Its log, whose lock the caller holds; None if the log is kept elsewhere.
      settings: What decides its result, see `PipelineConfig.settings`; None for a person's decision.
    """
    from ml_metadata import errors
    from ml_metadata.proto import metadata_store_pb2

    parent = _context(store, "pipeline", pipeline)
    context = _context(store, "pipeline_run", run_id)
    if parent.id not in [known.id for known in store.get_parent_contexts_by_context(context.id)]:
        with suppress(errors.AlreadyExistsError):  # another step of the run did it first
            store.put_parent_contexts([metadata_store_pb2.ParentContext(child_id=context.id, parent_id=parent.id)])
    facts = {
        names.STATE: "running",
        names.HOST: socket.gethostname(),
        names.LOG: "" if log is None else str(log),
        names.PIPELINE_ROOT: uri_of(pipeline_root),
        names.VERSIONS: json.dumps(installed_versions()),
    }
    if settings is not None:
        facts[names.SETTINGS] = json.dumps(settings)
    write_facts(store, context, facts)


def finish_record(store: Any, run_id: str, state: str, error: str = "") -> None:
    """Records how a run ended, and ends the executions that it left as running.

    TFX ends an execution whose executor raises, but not one whose driver does, nor any where a run is interrupted.

    Args:
      store: An `ml_metadata.MetadataStore`.
      run_id: The run; nothing happens if it was never started.
      state: `complete`, `failed` or `canceled`.
      error: Why it failed, in a sentence, for the run and for the execution that failed.
    """
    from ml_metadata.proto import metadata_store_pb2

    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    if context is None:
        return
    states = metadata_store_pb2.Execution
    ended = {"complete": states.COMPLETE, "failed": states.FAILED, "canceled": states.CANCELED}[state]
    changed = []
    for execution in store.get_executions_by_context(context.id):
        is_open = execution.last_known_state in (states.RUNNING, states.NEW)
        if is_open:
            execution.last_known_state = ended
        if error and (is_open or execution.last_known_state == states.FAILED):
            execution.custom_properties[names.ERROR].string_value = error
            is_open = True
        if is_open:
            changed.append(execution)
    store.put_executions(changed)
    write_facts(store, context, {names.STATE: state, **({names.ERROR: error} if error else {})})


def write_facts(store: Any, context: Any, facts: Mapping[str, str | None]) -> None:
    """Writes custom properties of a context. The others stay, even if another process writes them at the same time.

    Args:
      store: An `ml_metadata.MetadataStore`.
      context: The `metadata_store_pb2.Context`, which stays as it was read.
      facts: Values by name; None deletes.
    """
    changed = type(context)(id=context.id, type_id=context.type_id, name=context.name)
    for name, value in facts.items():
        if value is not None:
            changed.custom_properties[name].string_value = value
    store.put_contexts([changed], field_mask_paths=[f"custom_properties.{name}" for name in facts])


def seconds_last_time(store: Any, pipeline: str, node: str) -> float | None:
    """How long a component took when it last ran and succeeded; None if it never did.

    Args:
      store: An `ml_metadata.MetadataStore`.
      pipeline: The pipeline's name.
      node: The component's id.
    """
    from ml_metadata.proto import metadata_store_pb2

    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    executions = store.get_executions_by_context(context.id) if context else []
    ran = [one for one in executions if one.last_known_state == metadata_store_pb2.Execution.COMPLETE]
    if not ran:
        return None
    last = max(ran, key=lambda one: one.id)
    return float(last.last_update_time_since_epoch - last.create_time_since_epoch) / 1000


def installed_versions() -> dict[str, str]:
    """The versions of what a result depends on; what is not installed is left out."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _context(store: Any, type_name: str, name: str) -> Any:
    """A context, made if it is not there."""
    from ml_metadata import errors
    from ml_metadata.proto import metadata_store_pb2

    type_id = store.put_context_type(metadata_store_pb2.ContextType(name=type_name), can_add_fields=True, can_omit_fields=True)
    if store.get_context_by_type_and_name(type_name, name) is None:
        with suppress(errors.AlreadyExistsError):  # another run did it first
            store.put_contexts([metadata_store_pb2.Context(type_id=type_id, name=name)])
    return store.get_context_by_type_and_name(type_name, name)


KILLED = "the process was killed, or the machine went down"


def may_go_on(record: Mapping[str, Any]) -> bool:
    """Whether a run that is recorded as running may still be running.

    Args:
      record: What the run wrote about itself.

    Returns:
      False if it ran on this machine and no process holds the lock of its log. True for a run on another machine, for one of
      another runner, and for one whose log is gone.
    """
    if record.get(names.HOST) != socket.gethostname() or not record.get(names.LOG):
        return True
    return is_locked(Path(record[names.LOG])) is not False


def end_killed(store: Any) -> list[str]:
    """Records runs that were killed as failed.

    Args:
      store: An `ml_metadata.MetadataStore`.

    Returns:
      The ids of these runs.
    """
    if "pipeline_run" not in [type_.name for type_ in store.get_context_types()]:
        return []
    ended = []
    for context in store.get_contexts_by_type("pipeline_run"):
        record = {name: value.string_value for name, value in context.custom_properties.items()}
        if record.get(names.STATE) == "running" and not may_go_on(record):
            finish_record(store, context.name, "failed", KILLED)
            ended.append(context.name)
    return ended
