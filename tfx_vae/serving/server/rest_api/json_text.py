"""The text of a request as a JSON object, and values as an error message quotes them."""

import json
from typing import Any, Final

import orjson

from tfx_vae.serving.server.rest_api.errors import invalid

_QUOTED_CHARACTERS: Final = 256
# The tokens that TensorFlow Serving takes beside what JSON allows. orjson knows JSON alone.
_NON_FINITE: Final = (b"NaN", b"Infinity")


def parse_object(body: bytes) -> dict[str, Any]:
    """Reads a JSON object; `NaN`, `Infinity` and `-Infinity` are numbers.

    Raises:
      RestError: It is not JSON in UTF-8, or not an object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if not any(token in body for token in _NON_FINITE):
            raise invalid(f"JSON Parse error: {error}") from error
        document = _parse_with_non_finite(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {quote(document)} Is not object")
    return document


def quote(value: Any) -> str:
    """The beginning of a value as JSON."""
    text = ""
    for part in json.JSONEncoder().iterencode(value):
        text += part
        if len(text) >= _QUOTED_CHARACTERS:
            break
    return text[:_QUOTED_CHARACTERS]


def type_name(value: Any) -> str:
    """What TensorFlow Serving calls the type of a JSON value."""
    names = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}
    return str(value) if isinstance(value, bool) else names[type(value)]


def _parse_with_non_finite(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    # RecursionError: thousands of brackets in one another.
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
