"""Reads the body of a predict request, in the row and the column format of TensorFlow Serving's REST API.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from components.artifacts.loaded_model import Array, Signature, Tensor
from components.artifacts.signature_names import SERVING_DEFAULT
from tfx_vae.serving.server.errors import invalid
from tfx_vae.serving.server.regular_lists import MOST_NESTED, parse_regular

_INSTANCES: Final = "instances"
_INPUTS: Final = "inputs"
_BASE64: Final = "b64"
_STRING: Final = "string"
_QUOTED: Final = 100


class PredictRequest(NamedTuple):
    """A request as the model takes it.

    Attributes:
      signature: Its name.
      inputs: By name.
      has_rows: Whether it came in the row format (`instances`); the answer then has a row for each.
    """

    signature: str
    inputs: dict[str, Array]
    has_rows: bool


def parse_object(body: bytes) -> dict[str, Any]:
    """Reads a JSON object; `NaN`, `Infinity` and `-Infinity` are numbers. Regular `instances` and `inputs` become an array.

    Raises:
      HTTPException: It is not a JSON object in UTF-8.
    """
    regular = parse_regular(body, (_INSTANCES, _INPUTS))
    if regular is not None:
        return regular
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        document = _parse_with_non_finite(body, error)
    if not isinstance(document, dict):
        raise invalid("The body of the request is not a JSON object.")
    return document


def _parse_with_non_finite(body: bytes, refusal: orjson.JSONDecodeError) -> Any:
    """Parses again with Python's parser, which knows the three numbers but takes five times as long."""
    if b"NaN" not in body and b"Infinity" not in body:
        raise invalid(f"The body of the request is not JSON: {refusal}.") from refusal
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise invalid(f"The body of the request is not JSON: {error}.") from error


def read_predict_request(document: Mapping[str, Any], signatures: Mapping[str, Signature]) -> PredictRequest:
    """Reads `signature_name`, and `instances` or `inputs`.

    Args:
      document: The body.
      signatures: Those of the model.

    Raises:
      HTTPException: It is in neither format, or the signature does not take it.
    """
    name = document.get("signature_name") or SERVING_DEFAULT
    if not isinstance(name, str) or name not in signatures:
        raise invalid(f"The model has no signature {str(name)[:_QUOTED]!r}; it has {', '.join(sorted(signatures))}.")
    if (_INSTANCES in document) == (_INPUTS in document):
        raise invalid(f"The request must have either '{_INSTANCES}', a list of rows, or '{_INPUTS}', the inputs by name.")
    has_rows = _INSTANCES in document
    wanted = signatures[name].inputs
    columns = _columns_of_rows(document[_INSTANCES], wanted) if has_rows else _columns(document[_INPUTS], wanted)
    return PredictRequest(name, {key: _array(key, columns[key], tensor) for key, tensor in wanted.items()}, has_rows)


def _columns(value: Any, wanted: Mapping[str, Tensor]) -> dict[str, Any]:
    """The column format: all inputs by name, or the only input without its name."""
    if not _is_named(value):
        [name] = _only(wanted)
        return {name: value}
    missing = wanted.keys() - value.keys()
    if missing:
        raise invalid(f"'{_INPUTS}' has no {', '.join(sorted(missing))}.")
    return dict(value)


def _columns_of_rows(rows: Any, wanted: Mapping[str, Tensor]) -> dict[str, Any]:
    """The row format: for each instance all inputs by name, or the only input without its name."""
    if not isinstance(rows, list | np.ndarray) or not len(rows):
        raise invalid(f"'{_INSTANCES}' must be a list with at least one row.")
    if not _is_named(rows[0]):
        [name] = _only(wanted)
        return {name: rows}
    for number, row in enumerate(rows):
        if not _is_named(row) or row.keys() != wanted.keys():
            raise invalid(f"Row {number} of '{_INSTANCES}' must be an object with exactly the inputs {', '.join(wanted)}.")
    return {name: [row[name] for row in rows] for name in wanted}


def _only(wanted: Mapping[str, Tensor]) -> list[str]:
    if len(wanted) != 1:
        raise invalid(f"The signature takes several inputs, which need their names: {', '.join(wanted)}.")
    return list(wanted)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(_BASE64), str)


def _array(name: str, value: Any, wanted: Tensor) -> Array:
    """Nested lists as an array of the type that the signature takes; its shape is checked later."""
    if _depth(value) > MOST_NESTED:
        raise invalid(f"Input {name} has more than {MOST_NESTED} lists inside each other.")
    try:
        array = np.array(value, object if wanted.dtype == _STRING else None)
    except ValueError as error:
        raise invalid(f"Input {name} has lists that differ in length or depth.") from error
    if wanted.dtype == _STRING:
        return np.array([_bytes(name, item) for item in array.ravel()], object).reshape(array.shape)
    if array.size and not _has_type(array, wanted.dtype):
        raise invalid(f"Input {name} has values that are not of type {wanted.dtype}.")
    with np.errstate(over="ignore"):  # float32 takes larger numbers as infinite, as in TensorFlow Serving
        return array.astype(wanted.dtype)


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list) and value:
        depth, value = depth + 1, value[0]
    return depth


def _has_type(array: Array, dtype: str) -> bool:
    if dtype.startswith("float"):
        return array.dtype.kind in "fiu"
    if dtype == "bool":
        return array.dtype.kind == "b"
    bounds = np.iinfo(dtype)
    return array.dtype.kind in "iu" and bool(bounds.min <= array.min() and array.max() <= bounds.max)


def _bytes(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="replace")
    if not _is_base64(value):
        raise invalid(f'Input {name} takes strings: text, or bytes as {{"{_BASE64}": "..."}}, in lists of one length.')
    try:
        return base64.b64decode(value[_BASE64], validate=True)
    except ValueError as error:
        raise invalid(f"Input {name} has bytes that are not valid Base64.") from error
