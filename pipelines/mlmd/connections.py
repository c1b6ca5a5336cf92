"""Opens a database so that nothing can be written to it, and words what goes wrong.

ML Metadata's client is not used for reading: on connecting it makes the tables of an empty database, and the more there is to
read, the more queries it takes. All reading happens in one transaction, so that what is read fits together.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from components.errors import PipelineError
from pipelines.mlmd.location import PASSWORD_VARIABLE, Backend, Location

BACKSLASH: Final = "\\"
STORED_BACKSLASH: Final = "\ue05c"
"""What PostgreSQL stores instead of a backslash, see `postgresql_store.py`: a character for private use."""

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
    connection = sqlite3.connect(
        f"{location.path.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS_TO_WAIT_FOR_A_LOCK, isolation_level=None
    )
    connection.execute("BEGIN")
    return connection


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
    """A DB-API connection of our own, beside that of ML Metadata's client."""
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
    match type(error).__module__.partition(".")[0]:
        case "pymysql":
            reason = str(error.args[-1])
        case "pg8000":
            found = error.args[0]
            reason = str(found.get("M", found) if isinstance(found, dict) else found)
        case _:
            return None
    hint = f" (the password comes from {PASSWORD_VARIABLE} or metadata.password_file)" if "password" in reason.lower() else ""
    return PipelineError(f"The ML Metadata database {location} cannot be read: {reason.rstrip('.')}{hint}.")


def _explain_sqlite(error: sqlite3.Error, location: Location) -> str:
    message = str(error)
    if "locked" in message:
        return f"The ML Metadata database {location} is locked by another process: try again when that has finished writing."
    if "not a database" in message or "malformed" in message:
        return f"{location} is corrupt, or not a SQLite database ({message}): put back a copy of it, or name another."
    if "readonly" in message:
        return f"In the ML Metadata database {location} a write was cut off: the next run of the pipeline, or gc, will mend it."
    return f"The ML Metadata database {location} cannot be read: {message}."
