"""ML Metadata's client for PostgreSQL with two defects fixed: texts with backslashes, and several processes that write at once.

The client (as of 1.17.1, and upstream's main branch) cuts the first and the last character off what libpq's PQescapeLiteral
returns. Those are quotes, unless the text holds a backslash: then it is ` E'...'`, and the server refuses what is left as a
syntax error. JSON within JSON, which TFX's Evaluator writes, is full of backslashes. So each is
stored as a character for private use.

This relies on two private methods of MetadataStore; tests/unit/pipelines/mlmd/test_private_ml_metadata.py tells if they change.

MySQL's client says "aborted" of a transaction that met another one, and what is aborted is tried again. PostgreSQL's says
"internal error", which is not tried again. Its queries lock nothing, so two processes that register a type at the same moment
make two types with one name, and each then finds only half of the data.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from google.protobuf.message import Message
from ml_metadata import errors
from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from pipelines.mlmd.connections import BACKSLASH, STORED_BACKSLASH, connect_to_postgresql
from pipelines.mlmd.location import Location

_REGISTERS_TYPES: Final = re.compile("Put[A-Za-z]*Types?")
_LOCK: Final = 0x7466785F766165
"""Any number that no other program locks: "tfx_vae" in ASCII."""

_MET_ANOTHER: Final = ("deadlock detected", "duplicate key value violates unique constraint", "could not serialize access")
"""What PostgreSQL says about a transaction that met another one. Tried again, it sees what the other one wrote."""


class PostgresqlStore(MetadataStore):
    """A MetadataStore that writes and reads backslashes; what it stores, another client reads as `STORED_BACKSLASH`.

    A call that meets another process's is tried again, up to five times.
    """

    def __init__(self, location: Location, config: metadata_store_pb2.ConnectionConfig) -> None:
        """Connects to the database; its tables are made where there are none."""
        self._location = location
        with self._locked():
            super().__init__(config)

    def _call(self, method_name: str, request: Message, response: Message, *arguments: Any, **options: Any) -> Any:
        """Every call of the client, with its retries."""
        sent = type(request)()
        sent.CopyFrom(request)
        replace_in_texts(sent, BACKSLASH, STORED_BACKSLASH)
        result = super()._call(method_name, sent, response, *arguments, **options)
        replace_in_texts(response, STORED_BACKSLASH, BACKSLASH)
        return result

    def _call_method(self, method_name: str, request: Message, response: Message) -> None:
        """One attempt at a call; what is raised as aborted is tried again."""
        try:
            with self._locked() if _REGISTERS_TYPES.fullmatch(method_name) else nullcontext():
                super()._call_method(method_name, request, response)
        except errors.InternalError as error:
            if any(words in str(error) for words in _MET_ANOTHER):
                raise errors.AbortedError(*error.args) from error
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Makes all other processes wait here.

        Raises:
          RuntimeError: The server does not answer; the client's own error for that.
        """
        try:
            connection = connect_to_postgresql(self._location)
            # It is held until the end of the transaction, and so of the connection, even where a pool keeps the session.
            connection.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        except Exception as error:  # pg8000 lets those of sockets through, as they are
            raise RuntimeError(f"{self._location} does not answer: {error}") from error
        try:
            yield
        finally:
            connection.close()


def replace_in_texts(message: Any, old: str, new: str) -> None:
    """Replaces a character in every text of a protocol buffer, in place; keys of maps stay."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    replace_in_texts(item, old, new)
        elif field.message_type is not None:
            for item in value if field.is_repeated else [value]:
                replace_in_texts(item, old, new)
        elif isinstance(value, str) and old in value:
            setattr(message, field.name, value.replace(old, new))
