"""Whether a run still goes on, and what to do about one that was killed."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.mlmd import names
from pipelines.mlmd.lock import is_locked
from pipelines.mlmd.record import finish_record

KILLED = "the process was killed, or the machine went down"


def may_go_on(record: Mapping[str, Any]) -> bool:
    """Whether a run that is recorded as running may be.

    Args:
      record: What the run wrote about itself.

    Returns:
      False if it is known to be dead: it ran on this machine, and nobody holds the lock of its log. True for a run on another
      machine, for one of another runner, and for one whose log is gone.
    """
    if record.get(names.HOST) != socket.gethostname() or not record.get(names.LOG):
        return True
    return is_locked(Path(record[names.LOG])) is not False


def end_killed(store: Any) -> list[str]:
    """Ends in ML Metadata the runs that were killed and could not do it themselves.

    Args:
      store: An `ml_metadata.MetadataStore`.

    Returns:
      The ids of the runs that were ended.
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
