"""ML Metadata's own client, which alone writes. Imported only when called: it takes a quarter of a second."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from components.errors import PipelineError
from pipelines.mlmd.location import Backend, Location

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_ATTEMPTS: Final = 3
_SECONDS_BETWEEN_ATTEMPTS: Final = 0.5
_TABLES_ARE_BEING_MADE: Final = "concurrent connection to the empty database"
"""What ML Metadata says where another process is at it."""

_SECONDS_TO_MAKE_TABLES: Final = 60


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


def open_store(location: Location) -> Any:
    """Connects to a database for writing; its tables are made where there are none.

    Returns:
      An `ml_metadata.MetadataStore`.

    Raises:
      PipelineError: The client cannot connect. It does not say why; what is known to keep it from connecting is named.
    """
    # The client logs every connection to PostgreSQL.
    os.environ.setdefault("GLOG_minloglevel", "2")
    new_store = _store_constructor(location)
    attempts, deadline = 0, time.monotonic() + _SECONDS_TO_MAKE_TABLES
    while True:
        try:
            return new_store(connection_config(location))
        except RuntimeError as error:
            attempts += 1
            is_being_made = _TABLES_ARE_BEING_MADE in str(error) and time.monotonic() < deadline
            if attempts >= _ATTEMPTS and not is_being_made:
                raise PipelineError(explain_connection_failure(location)) from error
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)


def _store_constructor(location: Location) -> Callable[["metadata_store_pb2.ConnectionConfig"], Any]:
    if location.backend is Backend.POSTGRESQL:
        from pipelines.mlmd.postgresql_store import PostgresqlStore

        return partial(PostgresqlStore, location)
    from ml_metadata.metadata_store.metadata_store import MetadataStore

    return MetadataStore


def explain_connection_failure(location: Location) -> str:
    """What to look at where ML Metadata's client cannot connect."""
    hints = {
        Backend.SQLITE: "is the directory there and writable?",
        Backend.MYSQL: "is the server up, and are the account and its password right? The client knows no authentication "
        "plugin but mysql_native_password, and not caching_sha2_password, the default of MySQL 8.",
        Backend.POSTGRESQL: "is the server up, are the account and its password right, and does the database exist? The "
        "client knows PostgreSQL since ml-metadata 1.14.",
    }
    return f"ML Metadata's client cannot connect to {location}: {hints[location.backend]}"
