"""Values of properties as Python knows them."""

import base64
import json
from typing import Any, Final

from pipelines.mlmd.connections import BACKSLASH, STORED_BACKSLASH
from tfx_vae.metadata.store.database import text

# ml_metadata/metadata_store/query_executor.cc: a struct is stored as text.
_STRUCT_PREFIX: Final = "mlmd-struct::"
# tfx/types/artifact.py wraps what is no dictionary, since a Struct is one.
_WRAPPER: Final = "__value__"


def property_value(string: str | bytes | None, integer: int | None, double: float | None, boolean: int | bool | None) -> Any:
    """The one value that a property has: text, a number, a boolean, what a struct holds, or None."""
    if string is not None:
        return _decoded(text(string))
    if integer is not None:
        return integer
    if double is not None:
        return double
    return None if boolean is None else bool(boolean)


def parsed(value: Any) -> Any:
    """A property that TFX stores as JSON text (or as JSON within JSON), as what it says; all else as it is."""
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
