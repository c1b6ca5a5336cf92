"""ML Metadata's client for PostgreSQL, mended so that texts may hold backslashes.

The client (as of 1.17.1, and upstream's main branch) cuts the first and the last character off what libpq's PQescapeLiteral
returns. Those are quotes, unless the text holds a backslash: then it is ` E'...'`, and the server refuses what is left as a
syntax error. JSON within JSON, which TFX's Evaluator writes, is full of backslashes. So each travels as a character that nobody
uses.
"""

from typing import Any

from google.protobuf.message import Message
from ml_metadata.metadata_store.metadata_store import MetadataStore

from pipelines.metadata.store.values import BACKSLASH, STORED_BACKSLASH


class PostgresqlStore(MetadataStore):
    """A MetadataStore that writes and reads backslashes; what it stores, another client reads as `STORED_BACKSLASH`."""

    def _call(self, method_name: str, request: Message, response: Message, *arguments: Any, **options: Any) -> Any:
        """All that the client does goes through here."""
        sent = type(request)()
        sent.CopyFrom(request)
        replace_in_texts(sent, BACKSLASH, STORED_BACKSLASH)
        result = super()._call(method_name, sent, response, *arguments, **options)
        replace_in_texts(response, STORED_BACKSLASH, BACKSLASH)
        return result


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
