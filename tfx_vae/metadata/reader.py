"""Reads the database into entities. The number of queries does not depend on the number of runs.

The queries are our own because ML Metadata's client creates tables in the servers that it connects to and needs one query per
run. `tfx-vae runs` on 1,000 runs takes 0.70 s with our queries and 1.16 s with that client opened read-only (2026-11-26, SQLite
in memory, two cores of a shared AMD EPYC with AVX512_BF16, Python 3.11.7; benchmarks/metadata.py makes the database).
"""

import base64
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pipelines.mlmd.connections import BACKSLASH, STORED_BACKSLASH, check_schema, reading
from pipelines.mlmd.location import Location
from tfx_vae.metadata.entities import Artifact, ArtifactState, Direction, Event, Execution, ExecutionState, Run, Snapshot


class Database:
    """Answers queries within one read-only transaction.

    Attributes:
      queries: The number of queries so far.
    """

    def __init__(self, connection: Any) -> None:
        """Reads from an open DB-API connection."""
        self._connection = connection
        self.queries = 0

    def rows(self, query: str) -> Sequence[Sequence[Any]]:
        """All rows of a query in SQL that SQLite, MySQL and PostgreSQL understand alike; texts may be bytes, see `text`."""
        self.queries += 1
        cursor = self._connection.cursor()
        cursor.execute(query)
        return list(cursor.fetchall())


@contextmanager
def open_database(location: Location) -> Iterator[Database]:
    """Opens a database for reading and makes sure that it is one of ML Metadata's, of the schema that is read here.

    Raises:
      PipelineError: It is missing, locked, corrupt, something else, or of another schema.
    """
    with reading(location) as connection:
        check_schema(connection, location)
        yield Database(connection)


def text(value: str | bytes | None) -> str:
    """A text column; MySQL's come as the UTF-8 bytes that ML Metadata's client wrote."""
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


# ml_metadata/metadata_store/query_executor.cc: a struct is stored as text.
_STRUCT_PREFIX: Final = "mlmd-struct::"


# tfx/types/artifact.py wraps what is no dictionary, since a Struct is one.
_WRAPPER: Final = "__value__"


def property_value(string: str | bytes | None, integer: int | None, double: float | None, boolean: int | bool | None) -> Any:
    """The one value that a property has: text, a number, a boolean, the content of a struct, or None."""
    if string is not None:
        return _decoded(text(string))
    if integer is not None:
        return integer
    if double is not None:
        return double
    return None if boolean is None else bool(boolean)


def parsed(value: Any) -> Any:
    """Decodes a property that TFX stores as JSON text, or as JSON within JSON; any other value is returned as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return parsed(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return {str(key): parsed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [parsed(item) for item in value]
    return value


def _decoded(value: str) -> Any:
    value = value.replace(STORED_BACKSLASH, BACKSLASH)
    if not value.startswith(_STRUCT_PREFIX):
        return value
    from google.protobuf import json_format, struct_pb2

    struct = struct_pb2.Struct.FromString(base64.b64decode(value.removeprefix(_STRUCT_PREFIX)))
    decoded = json_format.MessageToDict(struct)
    return parsed(decoded[_WRAPPER]) if set(decoded) == {_WRAPPER} else decoded


_EXECUTION_STATES: Final = tuple(ExecutionState)
_ARTIFACT_STATES: Final = tuple(ArtifactState)
# Event.Type in metadata_store.proto; the numbers left out are not written by TFX.
_OUTPUTS: Final = (1, 4)
_DIRECTIONS: Final = {
    **dict.fromkeys(_OUTPUTS, Direction.OUTPUT),
    **dict.fromkeys((2, 3), Direction.INPUT),
    6: Direction.RESOLVED,
}

_RUN_CONTEXTS: Final = "(SELECT c.id FROM Context c JOIN Type t ON t.id = c.type_id WHERE t.name = 'pipeline_run')"


@dataclass(frozen=True)
class Selection:
    """The part of a database to read; None reads all.

    Attributes:
      runs: The runs whose executions to read, and the artifacts that these made or used.
      artifacts: The ids of the artifacts to read, and the executions that made or used one; instead of `runs`.
      with_producers: Read also the executions that made these artifacts in earlier runs.
      artifact_types: The types of artifacts to read.
      artifact_properties: The names of the properties to read.
      execution_properties: The names of the properties to read.
    """

    runs: Collection[Run] | None = None
    artifacts: Collection[int] | None = None
    with_producers: bool = False
    artifact_types: Collection[str] | None = None
    artifact_properties: Collection[str] | None = None
    execution_properties: Collection[str] | None = None

    def of_executions(self, column: str) -> str:
        """The condition that a column holds an execution of the selection."""
        if self.artifacts is not None:
            return f"AND {column} IN (SELECT execution_id FROM Event WHERE artifact_id IN ({_ids(self.artifacts)}))"
        if self.runs is None:
            return ""
        contexts = _ids(run.context_id for run in self.runs)
        chosen = f"SELECT execution_id FROM Association WHERE context_id IN ({contexts})"
        if self.with_producers:
            cached = _EXECUTION_STATES.index(ExecutionState.CACHED)
            chosen += (
                " UNION SELECT made.execution_id FROM Event made JOIN Execution maker ON maker.id = made.execution_id "
                f"WHERE made.type IN {_OUTPUTS} AND maker.last_known_state <> {cached} "
                f"AND made.artifact_id IN (SELECT artifact_id FROM Event WHERE execution_id IN ({chosen}))"
            )
        return f"AND {column} IN ({chosen})"

    def of_artifacts(self, column: str) -> str:
        """The condition that a column holds an artifact of the selection."""
        if self.artifacts is not None:
            return f"AND {column} IN ({_ids(self.artifacts)}) {self.of_types(column)}"
        if self.runs is None:
            return self.of_types(column)
        touched = f"SELECT artifact_id FROM Event ev WHERE 1 = 1 {self.of_executions('ev.execution_id')}"
        return f"AND {column} IN ({touched}) {self.of_types(column)}"

    def of_types(self, column: str) -> str:
        """The condition that a column holds an artifact of the types of the selection."""
        if self.artifact_types is None:
            return ""
        names = _quoted(self.artifact_types)
        return f"AND {column} IN (SELECT a.id FROM Artifact a JOIN Type t ON t.id = a.type_id WHERE t.name IN ({names}))"


def read_runs(database: Database) -> dict[str, Run]:
    """All runs by id, oldest first."""
    rows = database.rows(
        "SELECT c.id, c.name, c.create_time_since_epoch, p.name FROM Context c "
        "LEFT JOIN ParentContext pc ON pc.context_id = c.id LEFT JOIN Context p ON p.id = pc.parent_context_id "
        f"WHERE c.id IN {_RUN_CONTEXTS} ORDER BY c.id"
    )
    records = _properties(database, "Context", f"AND context_id IN {_RUN_CONTEXTS}", None)
    return {text(name): Run(text(name), text(parent), started, id_, records[id_]) for id_, name, started, parent in rows}


def read_snapshot(database: Database, runs: dict[str, Run], selection: Selection | None = None) -> Snapshot:
    """Reads executions, artifacts and events.

    Args:
      database: An open database.
      runs: What `read_runs` read.
      selection: What to read; None reads the whole database.
    """
    selection = selection or Selection()
    return Snapshot(
        runs=runs,
        executions=_read_executions(database, runs, selection),
        artifacts=read_artifacts(database, selection),
        events=_read_events(database, selection),
    )


def _read_executions(database: Database, runs: dict[str, Run], selection: Selection) -> dict[int, Execution]:
    properties = _properties(database, "Execution", selection.of_executions("execution_id"), selection.execution_properties)
    contexts = database.rows(
        "SELECT a.execution_id, t.name, c.name FROM Association a JOIN Context c ON c.id = a.context_id "
        # COALESCE hides the index of the names: SQLite would try every run with every execution.
        "JOIN Type t ON t.id = c.type_id "
        f"WHERE COALESCE(t.name, '') IN ('pipeline_run', 'node') {selection.of_executions('a.execution_id')}"
    )
    run_ids: dict[int, str] = {}
    nodes: dict[int, str] = {}
    for execution, type_, name in contexts:
        (nodes if text(type_) == "node" else run_ids)[execution] = text(name)
    rows = database.rows(
        "SELECT e.id, t.name, e.last_known_state, e.create_time_since_epoch, e.last_update_time_since_epoch "
        f"FROM Execution e JOIN Type t ON t.id = e.type_id WHERE 1 = 1 {selection.of_executions('e.id')} ORDER BY e.id"
    )
    executions = {}
    for id_, type_, state, started, updated in rows:
        run_id = run_ids.get(id_, "")
        pipeline = runs[run_id].pipeline if run_id in runs else ""
        executions[id_] = Execution(
            id=id_,
            run_id=run_id,
            node=nodes.get(id_, "").removeprefix(f"{pipeline}."),
            type=text(type_),
            state=_EXECUTION_STATES[state or 0],
            started=started,
            updated=updated,
            properties=properties[id_],
        )
    return executions


def read_artifacts(database: Database, selection: Selection) -> dict[int, Artifact]:
    """The artifacts of a selection by id, alone."""
    properties = _properties(database, "Artifact", selection.of_artifacts("artifact_id"), selection.artifact_properties)
    rows = database.rows(
        "SELECT a.id, t.name, a.uri, a.state, a.create_time_since_epoch FROM Artifact a JOIN Type t ON t.id = a.type_id "
        f"WHERE 1 = 1 {selection.of_artifacts('a.id')} ORDER BY a.id"
    )
    return {
        id_: Artifact(id_, text(type_), text(uri), _ARTIFACT_STATES[state or 0], created, properties[id_])
        for id_, type_, uri, state, created in rows
    }


def _read_events(database: Database, selection: Selection) -> tuple[Event, ...]:
    # Of chosen runs all: SQLite would try every artifact of the types with every execution.
    wanted = selection.of_artifacts("ev.artifact_id") if selection.runs is None else selection.of_executions("ev.execution_id")
    rows = database.rows(
        "SELECT ev.execution_id, ev.artifact_id, ev.type, p.step_key FROM Event ev "
        "LEFT JOIN EventPath p ON p.event_id = ev.id AND p.step_key IS NOT NULL "
        f"WHERE 1 = 1 {wanted} ORDER BY ev.id"
    )
    return tuple(
        Event(execution, artifact, _DIRECTIONS[type_], text(channel))
        for execution, artifact, type_, channel in rows
        if type_ in _DIRECTIONS
    )


def _properties(
    database: Database, owner: str, condition: str, names: Collection[str] | None
) -> defaultdict[int, dict[str, Any]]:
    """By the id of their owner. A custom property hides a declared one of the same name, as `true` sorts last."""
    if names is not None:
        condition += f" AND name IN ({_quoted(names)})"
    rows = database.rows(
        f"SELECT {owner}_id, name, string_value, int_value, double_value, bool_value FROM {owner}Property "
        f"WHERE 1 = 1 {condition} ORDER BY is_custom_property"
    )
    properties: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for id_, name, *values in rows:
        properties[id_][text(name)] = property_value(*values)
    return properties


def _ids(ids: Iterable[int]) -> str:
    return ", ".join(map(str, ids)) or "0"


def _quoted(names: Collection[str]) -> str:
    """Names of types and properties, which this project chooses, as a list of SQL."""
    return ", ".join(f"'{name}'" for name in names) or "NULL"
