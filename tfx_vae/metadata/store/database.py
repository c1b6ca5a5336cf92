"""A database whose schema is known, and which counts the queries that it is asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from components.errors import PipelineError
from pipelines.mlmd.connections import reading
from pipelines.mlmd.location import Location

SCHEMA_VERSION: Final = 10
"""Of ML Metadata 1.14 and later; its tables stand in ml_metadata/util/metadata_source_query_config.cc."""


class Database:
    """Answers queries within one read-only transaction.

    Attributes:
      queries: How many have been asked.
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
        database = Database(connection)
        _check_schema(database, location)
        yield database


def text(value: str | bytes | None) -> str:
    """A text column; MySQL's come as the UTF-8 bytes that ML Metadata's client wrote."""
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _check_schema(database: Database, location: Location) -> None:
    try:
        versions = [int(row[0]) for row in database.rows("SELECT schema_version FROM MLMDEnv")]
    except Exception as error:
        if not _says_that_a_table_is_missing(error):
            raise
        versions = []
    if not versions:
        raise PipelineError(f"{location} is a database, but not one of ML Metadata: it has no table MLMDEnv.")
    if versions != [SCHEMA_VERSION]:
        raise PipelineError(
            f"The ML Metadata database {location} has schema version {versions[0]}, but this command reads version "
            f"{SCHEMA_VERSION}: an older one is brought up to date by the next run of the pipeline, "
            "a newer one needs a newer tfx-vae."
        )


def _says_that_a_table_is_missing(error: Exception) -> bool:
    """In the words of SQLite, MySQL and PostgreSQL."""
    return any(words in str(error) for words in ("no such table", "doesn't exist", "does not exist"))
