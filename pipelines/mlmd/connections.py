"""Connects to an ML Metadata database: read-only by our own drivers, or for writing by ML Metadata's client.

Reading takes one transaction, so that all that is read belongs to one moment. ML Metadata's client is imported only when it is
needed: the import takes 0.25 s.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from components.errors import PipelineError
from pipelines.mlmd.location import DATABASE_NAME, PASSWORD_VARIABLE, Backend, Location

BACKSLASH: Final = "\\"
STORED_BACKSLASH: Final = "\ue05c"
"""What PostgreSQL stores instead of a backslash, see `private_ml_metadata.py`: a character for private use."""

SCHEMA_VERSION: Final = 10
"""Of ML Metadata 1.14 and later; its tables are in ml_metadata/util/metadata_source_query_config.cc."""

_SECONDS_TO_WAIT_FOR_A_LOCK = 5.0
_SECONDS_TO_CONNECT = 10


@contextmanager
def reading(location: Location) -> Iterator[Any]:
    """Opens a database for reading.

    Yields:
      A DB-API connection within a read-only transaction.

    Raises:
      PipelineError: It cannot be opened or read; the message says why, without the password.
    """
    open_ = {Backend.SQLITE: _open_sqlite, Backend.MYSQL: _open_mysql, Backend.POSTGRESQL: _open_postgresql}[location.backend]
    try:
        connection = open_(location)
        try:
            yield connection
        finally:
            connection.close()
    except Exception as error:
        raise (_explained(error, location) or error) from error


def _open_sqlite(location: Location) -> sqlite3.Connection:
    if not location.path.exists():
        raise PipelineError(
            f"There is no ML Metadata database {location}: run the pipeline first, or say where it is by --config, "
            "--set runtime.root=DIRECTORY or --metadata URL."
        )
    _check_is_file(location)
    connection = sqlite3.connect(
        f"{location.path.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS_TO_WAIT_FOR_A_LOCK, isolation_level=None
    )
    connection.execute("BEGIN")
    return connection


def _check_is_file(location: Location) -> None:
    if location.backend is Backend.SQLITE and location.path.exists() and not location.path.is_file():
        raise PipelineError(
            f"{location} is not a file: name the file of the ML Metadata database, such as {location}/{DATABASE_NAME}."
        )


def _open_mysql(location: Location) -> Any:
    import pymysql

    # ML Metadata's client sends UTF-8 and calls it latin1; read the same way, the same bytes come back whatever the charset of
    # the tables. See `text`.
    connection = pymysql.connect(
        host=location.host,
        port=location.port,
        user=location.user,
        password=location.password,
        database=location.database,
        charset="latin1",
        use_unicode=False,
        connect_timeout=_SECONDS_TO_CONNECT,
    )
    with connection.cursor() as cursor:
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return connection


def connect_to_postgresql(location: Location) -> Any:
    """A DB-API connection, separate from that of ML Metadata's client."""
    import pg8000.dbapi

    return pg8000.dbapi.connect(
        user=location.user,
        password=location.password,
        host=location.host,
        port=location.port,
        database=location.database,
        timeout=_SECONDS_TO_CONNECT,
    )


def _open_postgresql(location: Location) -> Any:
    connection = connect_to_postgresql(location)
    # A restart of the server, not a query of ours, is what would take longer than the time to connect.
    connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return connection


def _explained(error: Exception, location: Location) -> PipelineError | None:
    """The sentence for what a driver raised; None for all other exceptions."""
    if isinstance(error, sqlite3.Error):
        return PipelineError(_explain_sqlite(error, location))
    if isinstance(error, PipelineError):
        return error
    if isinstance(error, UnicodeDecodeError) and location.backend is Backend.SQLITE:
        return PipelineError(_explain_sqlite(sqlite3.DatabaseError("malformed: it holds text that is not UTF-8"), location))
    match type(error).__module__.partition(".")[0]:
        case "pymysql":
            reason = str(error.args[-1])
        case "pg8000":
            found = error.args[0]
            reason = str(found.get("M", found) if isinstance(found, dict) else found)
        case _:
            return _damage(location)
    hint = f" (the password comes from {PASSWORD_VARIABLE} or metadata.password_file)" if "password" in reason.lower() else ""
    return PipelineError(f"The ML Metadata database {location} cannot be read: {reason.rstrip('.')}{hint}.")


def _damage(location: Location) -> PipelineError | None:
    """What is wrong with a file whose content was read, and then not understood."""
    try:
        check_values(location)
    except PipelineError as error:
        return error
    return None


def _explain_sqlite(error: sqlite3.Error, location: Location) -> str:
    message = str(error)
    if "locked" in message:
        return f"The ML Metadata database {location} is locked by another process: try again when it has finished writing."
    if "not a database" in message or "malformed" in message or "UTF-8" in message:
        return f"{location} is corrupt, or not a SQLite database ({message}): restore a copy of it, or name another database."
    if "readonly" in message:
        return (
            f"A write to the ML Metadata database {location} was interrupted: the next run of the pipeline, or gc, repairs it."
        )
    return f"The ML Metadata database {location} cannot be read: {message}."


if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_ATTEMPTS: Final = 3
_SECONDS_BETWEEN_ATTEMPTS: Final = 0.5
_TABLES_ARE_BEING_MADE: Final = "concurrent connection to the empty database"
"""What ML Metadata says while another process creates the tables."""

_SECONDS_TO_MAKE_TABLES: Final = 60


def check_schema(connection: Any, location: Location) -> None:
    """Makes sure that an open database is one of ML Metadata, of the schema that this project reads.

    Raises:
      PipelineError: It is something else, or of another schema.
    """
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT schema_version FROM MLMDEnv")
        versions = [int(row[0]) for row in cursor.fetchall()]
    except Exception as error:
        if not _says_that_a_table_is_missing(error):
            raise
        versions = []
    if not versions:
        raise PipelineError(f"{location} is a database, but not one of ML Metadata: it has no table MLMDEnv.")
    if versions != [SCHEMA_VERSION]:
        fix = (
            "upgrade it with ml_metadata.MetadataStore(..., enable_upgrade_migration=True)"
            if versions[0] < SCHEMA_VERSION
            else "install a newer tfx-vae"
        )
        raise PipelineError(
            f"The ML Metadata database {location} has schema version {versions[0]}, but this command reads version "
            f"{SCHEMA_VERSION}: {fix}, or name another database."
        )


_TABLES: Final = (
    "Type", "TypeProperty", "ParentType", "Artifact", "ArtifactProperty", "Execution", "ExecutionProperty", "Event",
    "EventPath", "Context", "ContextProperty", "ParentContext", "Association", "Attribution",
)  # fmt: skip
_STORED_AS: Final = {
    "INT": ("integer",),
    "BOOL": ("integer",),
    "DOUB": ("real", "integer"),
    "TEXT": ("text",),
    "VARC": ("text",),
}
"""By the beginning of a column's declared type. SQLite itself stores any value in any column."""


def check_values(location: Location) -> bool:
    """Makes sure that a file has numbers and texts where ML Metadata's client expects them: it aborts the process if not.

    Returns:
      Whether there is such a file, with all tables.

    Raises:
      PipelineError: It has not, or cannot be read.
    """
    _check_is_file(location)
    if location.backend is not Backend.SQLITE or not location.path.exists() or not location.path.stat().st_size:
        return False
    with reading(location) as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        tables = [str(name) for (name,) in connection.execute(names)]
        for table in tables:
            unfit = " OR ".join(_unfit(*column[1:4]) for column in connection.execute(f'PRAGMA table_info("{table}")'))
            if connection.execute(f'SELECT 1 FROM "{table}" WHERE {unfit} LIMIT 1').fetchone():
                raise PipelineError(
                    f"{location} is corrupt (the table {table} has a value of the wrong type): restore a copy of it, or name "
                    "another database."
                )
        check_schema(connection, location)
        if missing := [table for table in _TABLES if table not in tables]:
            raise PipelineError(
                f"{location} is corrupt (the table {missing[0]} is missing): restore a copy of it, or name another database."
            )
    return True


def _unfit(column: str, declared: str, is_required: int) -> str:
    """A condition in SQL: the value is not what its column is declared for."""
    declared = declared.upper().replace("TINYINT", "INT")
    stored = _STORED_AS.get(declared[:4], _STORED_AS.get(declared[:3]))
    kinds = (*(stored or ("blob", "text", "integer", "real")), *(() if is_required else ("null",)))
    return f'typeof("{column}") NOT IN {kinds}' if len(kinds) > 1 else f"typeof(\"{column}\") <> '{kinds[0]}'"


def _says_that_a_table_is_missing(error: Exception) -> bool:
    """In the words of SQLite, MySQL and PostgreSQL."""
    return any(words in str(error) for words in ("no such table", "doesn't exist", "does not exist"))


def connection_config(location: Location, with_password: bool = True) -> "metadata_store_pb2.ConnectionConfig":
    """How ML Metadata's client, and TFX, connect to a database.

    Args:
      location: The database.
      with_password: False leaves the password out, for what may be written to disk.
    """
    from ml_metadata.proto import metadata_store_pb2

    config = metadata_store_pb2.ConnectionConfig()
    password = location.password if with_password else ""
    match location.backend:
        case Backend.SQLITE:
            config.sqlite.filename_uri = str(location.path)
            config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        case Backend.MYSQL:
            config.mysql.host, config.mysql.port, config.mysql.database = location.host, location.port, location.database
            config.mysql.user, config.mysql.password = location.user, password
        case Backend.POSTGRESQL:
            config.postgresql.host, config.postgresql.port = location.host, str(location.port)
            config.postgresql.dbname = location.database
            config.postgresql.user, config.postgresql.password = location.user, password
    return config


def open_store(location: Location, is_complete: bool = False) -> Any:
    """Connects to a database for writing; its tables are created if they do not exist.

    Args:
      location: The database.
      is_complete: Whether its tables are known to exist, so that no other process is making them.

    Returns:
      An `ml_metadata.MetadataStore`.

    Raises:
      PipelineError: The client cannot connect. The sentence is that of `reading` where a file cannot be read either.
    """
    # The client logs every connection to PostgreSQL.
    os.environ.setdefault("GLOG_minloglevel", "2")
    _check_is_file(location)
    new_store = _store_constructor(location)
    attempts, deadline = 0, time.monotonic() + (0 if is_complete else _SECONDS_TO_MAKE_TABLES)
    while True:
        try:
            return new_store(connection_config(location))
        except RuntimeError as error:
            attempts += 1
            is_being_made = _TABLES_ARE_BEING_MADE in str(error) and time.monotonic() < deadline
            if attempts >= _ATTEMPTS and not is_being_made:
                raise _connection_failure(location) from error
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)


def _store_constructor(location: Location) -> Callable[["metadata_store_pb2.ConnectionConfig"], Any]:
    if location.backend is Backend.POSTGRESQL:
        from pipelines.mlmd.private_ml_metadata import PostgresqlStore

        return partial(PostgresqlStore, location)
    from ml_metadata.metadata_store.metadata_store import MetadataStore

    return MetadataStore


def _connection_failure(location: Location) -> PipelineError:
    """Why ML Metadata's client cannot connect, which it does not say itself."""
    if location.backend is Backend.SQLITE and location.path.exists():
        try:
            with reading(location) as connection:
                check_schema(connection, location)
        except PipelineError as error:
            return error
        return PipelineError(
            f"ML Metadata's client cannot open {location}: fix its permissions, or restore a copy if a table is damaged."
        )
    hints = {
        Backend.SQLITE: "is the directory there and writable?",
        Backend.MYSQL: "is the server up, and are the account and its password right? The client supports only the "
        "authentication plugin mysql_native_password, and not caching_sha2_password, the default of MySQL 8.",
        Backend.POSTGRESQL: "is the server up, are the account and its password right, and does the database exist? The "
        "client supports PostgreSQL since ml-metadata 1.14.",
    }
    return PipelineError(f"ML Metadata's client cannot connect to {location}: {hints[location.backend]}")
