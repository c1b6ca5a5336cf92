"""What this project needs of ML Metadata's client below its public interface is there, and does what it did."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from ml_metadata import errors
from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from pipelines.mlmd.connections import SCHEMA_VERSION, STORED_BACKSLASH, check_schema, connection_config, reading
from pipelines.mlmd.location import sqlite_location
from pipelines.mlmd.private_ml_metadata import PostgresqlStore

SENTENCE = (
    "This version of ml-metadata no longer has what pipelines/mlmd/private_ml_metadata.py builds on ({}): compare it with "
    "ml_metadata/metadata_store/metadata_store.py of the installed version."
)
TEXT = '{"path": "C:\\\\runs"}'


def test_the_client_calls_and_tries_again_through_the_methods_that_are_extended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    location = sqlite_location(tmp_path / "metadata.sqlite")
    config = connection_config(location)
    # What it adds for PostgreSQL is above the database, so that SQLite can show whether an upgrade still calls it.
    monkeypatch.setattr(PostgresqlStore, "_locked", lambda self: nullcontext())
    plain = MetadataStore(config)
    try:
        store = PostgresqlStore(location, config)
        id_ = put_text(store)
        [stored], [read] = plain.get_executions_by_id([id_]), store.get_executions_by_id([id_])
    except (ImportError, AttributeError, TypeError) as error:
        pytest.fail(SENTENCE.format(error))
    assert stored.properties["text"].string_value == TEXT.replace("\\", STORED_BACKSLASH), SENTENCE.format(
        "_call is not called"
    )
    assert read.properties["text"].string_value == TEXT

    refusals = deadlocks(monkeypatch)
    try:
        assert store.get_executions_by_id([id_])
    except errors.MLMDError as error:
        pytest.fail(SENTENCE.format(f"_call_method does not turn {error} into what _call tries again"))
    assert next(refusals, None) is None, SENTENCE.format("_call_method is not called")


def test_the_client_writes_the_schema_that_the_commands_read(tmp_path: Path):
    location = sqlite_location(tmp_path / "metadata.sqlite")
    MetadataStore(connection_config(location))
    with reading(location) as connection:
        check_schema(connection, location)
    assert SCHEMA_VERSION == 10, "compare the queries of tfx_vae/metadata/reader.py with the tables of the new schema"


def put_text(store: MetadataStore) -> int:
    """Writes an execution with a text that holds backslashes."""
    type_ = metadata_store_pb2.ExecutionType(name="T", properties={"text": metadata_store_pb2.STRING})
    execution = metadata_store_pb2.Execution(type_id=store.put_execution_type(type_))
    execution.properties["text"].string_value = TEXT
    [id_] = store.put_executions([execution])
    return int(id_)


def deadlocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exception]:
    """Lets the first two calls fail as PostgreSQL does when two transactions meet; what is left has not been raised."""
    refusals: Iterator[Exception] = iter([errors.InternalError("deadlock detected"), errors.InternalError("deadlock detected")])
    call: Any = MetadataStore._call_method

    def refuse_twice(self: MetadataStore, *arguments: Any) -> None:
        for refusal in refusals:
            raise refusal
        call(self, *arguments)

    monkeypatch.setattr(MetadataStore, "_call_method", refuse_twice)
    return refusals
