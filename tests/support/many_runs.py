"""A database of as many runs as one likes, in seconds: the last run of a real one, copied by SQL."""

import sqlite3
from pathlib import Path
from typing import Final

_IDS: Final = 1_000_000
"""More than a run has rows of one table: how far the ids of a copy are from those of the copy before it."""

_RUN: Final = "SELECT max(c.id) FROM Context c JOIN Type t ON t.id = c.type_id WHERE t.name = 'pipeline_run'"
_EXECUTIONS: Final = f"SELECT execution_id FROM Association WHERE context_id = ({_RUN})"
_OUTPUTS: Final = f"SELECT artifact_id FROM Event WHERE type = 4 AND execution_id IN ({_EXECUTIONS})"
_EVENTS: Final = f"SELECT id FROM Event WHERE execution_id IN ({_EXECUTIONS})"

# By table: the rows of the run, and the columns that hold its own ids.
_ROWS: Final = {
    "Context": (f"id = ({_RUN})", ("id",)),
    "ContextProperty": (f"context_id = ({_RUN})", ("context_id",)),
    "ParentContext": (f"context_id = ({_RUN})", ("context_id",)),
    "Execution": (f"id IN ({_EXECUTIONS})", ("id",)),
    "ExecutionProperty": (f"execution_id IN ({_EXECUTIONS})", ("execution_id",)),
    "Artifact": (f"id IN ({_OUTPUTS})", ("id",)),
    "ArtifactProperty": (f"artifact_id IN ({_OUTPUTS})", ("artifact_id",)),
    "Event": (f"id IN ({_EVENTS})", ("id", "execution_id", "artifact_id")),
    "EventPath": (f"event_id IN ({_EVENTS})", ("event_id",)),
    "Association": (f"execution_id IN ({_EXECUTIONS})", ("id", "execution_id", "context_id")),
}


def copy_last_run(database: Path, copies: int) -> None:
    """Adds copies of the last run, an hour apart. They have executions and artifacts of their own, and share its files."""
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TEMP TABLE Number (n INTEGER)")
        connection.executemany("INSERT INTO Number VALUES (?)", [(number,) for number in range(1, copies + 1)])
        [(run, name)] = connection.execute(f"SELECT id, name FROM Context WHERE id = ({_RUN})")
        statements = []
        for table, (rows, own) in _ROWS.items():
            columns = [column for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(_value(column, own, run, name) for column in columns)
            statements.append(f"INSERT INTO {table} SELECT {values} FROM {table} JOIN Number ON {rows.replace(_RUN, str(run))}")
        # All are read before the first copy is there.
        for statement in statements:
            connection.execute(statement)


def _value(column: str, own: tuple[str, ...], run: int, name: str) -> str:
    """What a copy has in a column."""
    if column == "context_id" and "execution_id" in own:
        return f"CASE context_id WHEN {run} THEN context_id + n * {_IDS} ELSE context_id END"  # a node is no copy
    if column in own:
        return f"{column} + n * {_IDS}"
    if column == "name" and own == ("id",):
        return f"CASE name WHEN '{name}' THEN printf('%s-%06d', name, n) ELSE name END"
    if column in ("create_time_since_epoch", "last_update_time_since_epoch"):
        return f"{column} + n * 3600000"
    return column
