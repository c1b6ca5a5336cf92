"""Which model, version and method a request is for (http_rest_api_util.cc).

The text of a request as a JSON object, and values as an error message quotes them.

What a predict request asks (json_tensor.cc, FillPredictRequestFromJson).

JSON values as arrays (json_tensor.cc, FillTensorProto).
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import numpy as np
import orjson

from components.artifacts.loaded_model import Array, Signature, Tensor
from components.artifacts.signature_names import SERVING_DEFAULT
from tfx_vae.serving.server.errors import RestError, invalid

_VERSION: Final = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST: Final = re.compile(
    rf"/v1/models/(?P<model>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)", re.IGNORECASE | re.ASCII
)
_GET: Final = re.compile(rf"/v1/models(?:/(?P<model>[^/:]+))?{_VERSION}(?:/(?P<method>metadata))?", re.IGNORECASE | re.ASCII)
_LARGEST_VERSION: Final = 2**63 - 1

STATUS: Final = "status"
METADATA: Final = "metadata"
PREDICT: Final = "predict"
_METHODS: Final = {"GET": (METADATA,), "POST": ("classify", "regress", PREDICT)}


class Address(NamedTuple):
    """What a request is for.

    Attributes:
      model: Its name.
      version: None for the newest.
      label: A name for a version.
      method: `status`, `metadata`, `predict`, `classify` or `regress`.
    """

    model: str
    version: int | None
    label: str | None
    method: str


def parse_address(http_method: str, path: str) -> Address:
    """Reads a path as it was sent, with its percent signs.

    Raises:
      RestError: It is none of TensorFlow Serving's.
    """
    malformed = invalid(f"Malformed request: {http_method} {path}")
    if http_method not in _METHODS:
        raise malformed
    found = (_GET if http_method == "GET" else _POST).fullmatch(path)
    if found is None:
        raise malformed
    method = found["method"] if found["method"] in _METHODS[http_method] else STATUS
    if http_method == "POST" and method == STATUS:
        raise malformed
    if found["model"] is None:
        raise invalid("Missing model name in request.")
    version = None if found["version"] is None else int(found["version"])
    if version is not None and version > _LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {found['version']} to numeric.")
    return Address(unquote(found["model"]), version, None if found["label"] is None else unquote(found["label"]), method)


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


_SIGNATURE_NAME: Final = "signature_name"
_INSTANCES: Final = "instances"
_INPUTS: Final = "inputs"


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


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request asks.

    Raises:
      RestError: What stands there is no string.
    """
    name = document.get(_SIGNATURE_NAME, "")
    if not isinstance(name, str):
        raise invalid(f"JSON Value: {quote(document)} not formatted correctly. 'signature_name' key must be a string value.")
    return name or SERVING_DEFAULT


def read_predict_request(document: Mapping[str, Any], signatures: Mapping[str, Signature]) -> PredictRequest:
    """Reads `instances` or `inputs`.

    Args:
      document: The body.
      signatures: What the model has.

    Raises:
      RestError: It is neither format, or not what the signature takes.
    """
    name = signature_name(document)
    if name not in signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    wanted = signatures[name].inputs
    if _INSTANCES in document and _INPUTS in document:
        raise invalid(
            f"JSON Value: {quote(document)} Not formatted correctly expecting only one of '{_INPUTS}' or '{_INSTANCES}' "
            "keys to exist "
        )
    if _INSTANCES in document:
        return PredictRequest(name, _read_instances(document[_INSTANCES], wanted, document), has_rows=True)
    if _INPUTS in document:
        return PredictRequest(name, _read_inputs(document[_INPUTS], wanted), has_rows=False)
    raise invalid("Missing 'inputs' or 'instances' key")


def _read_inputs(value: Any, wanted: Mapping[str, Tensor]) -> dict[str, Array]:
    """The column format: every input whole, or the only one by itself."""
    if not isinstance(value, dict) or is_base64(value):
        if len(wanted) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
            )
        value = dict.fromkeys(wanted, value)
    arrays = {}
    for name, tensor in wanted.items():
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        arrays[name] = make_array(*read_nested(value[name], tensor.dtype), tensor.dtype)
    return arrays


def _read_instances(rows: Any, wanted: Mapping[str, Tensor], document: Mapping[str, Any]) -> dict[str, Array]:
    """The row format: for each instance all inputs, or the only one by itself."""
    if not isinstance(rows, list):
        raise invalid(f"JSON Value: {quote(document)} Expecting '{_INSTANCES}' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {quote(document)} No values in '{_INSTANCES}' array")
    if not isinstance(rows[0], dict) and len(wanted) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
        )
    columns = {name: _Column(tensor.dtype) for name, tensor in wanted.items()}
    add = _add_named if _is_named(rows[0]) else _add_plain
    for number, row in enumerate(rows):
        add(row, number, columns)
    return {name: column.array(len(rows)) for name, column in columns.items()}


class _Column:
    """The values of one input, row after row."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._shape: tuple[int, ...] | None = None
        self._size = 0
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        """Takes the value of one row, which must have the shape of the others."""
        shape, values = read_nested(value, self._dtype)
        if self._shape is None:
            self._shape, self._size = shape, len(values)
        elif self._size != len(values):
            raise invalid(f"Expecting tensor size: {self._size} but got: {len(values)}")
        elif self._shape != shape:
            raise invalid(f"Expecting shape {show_shape(self._shape)} but got: {show_shape(shape)}")
        self._values += values

    def array(self, rows: int) -> Array:
        """All rows, one below the other."""
        return make_array((rows, *(self._shape or ())), self._values, self._dtype)


def show_shape(shape: tuple[int | None, ...]) -> str:
    """A shape as TensorFlow Serving prints it, -1 where a size is free."""
    return f"[{','.join('-1' if size is None else str(size) for size in shape)}]"


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and not is_base64(row)


def _add_named(row: Any, number: int, columns: Mapping[str, _Column]) -> None:
    if not _is_named(row):
        raise invalid(f"Expecting object but got list at item {number} of input list")
    for name, value in row.items():
        _add(value, name, columns, f"Failed to process element: {number} key: {name} of 'instances' list.")
    if row.keys() != columns.keys():
        raise invalid(
            f"Failed to process element: {number} of 'instances' list. JSON object: {quote(row)} keys must be equal to: "
            f"{','.join(sorted(columns))}"
        )


def _add_plain(row: Any, number: int, columns: Mapping[str, _Column]) -> None:
    if _is_named(row):
        raise invalid(f"Expecting value/list but got object at item {number} of input list")
    _add(row, next(iter(columns)), columns, f"Failed to process element: {number} of 'instances' list.")


def _add(value: Any, name: str, columns: Mapping[str, _Column], where: str) -> None:
    try:
        if name not in columns:
            raise invalid(f"JSON object: does not have named input: {name}")
        columns[name].add(value)
    except RestError as error:
        raise RestError(error.status, f"{where} Error: INVALID_ARGUMENT: {error}") from error


_BASE64: Final = "b64"
STRING: Final = "string"
_TENSORFLOW_NAMES: Final = {"float32": "float", "float64": "double"}
_JSON_TYPES: Final[dict[str, set[type]]] = {
    **{dtype: {int, float} for dtype in ("float32", "float64")},
    **{dtype: {int} for dtype in ("int8", "uint8", "int16", "int32", "int64", "uint32", "uint64")},
    "bool": {bool},
}


class JsonTensor(NamedTuple):
    """A tensor that was written as nested lists.

    Attributes:
      shape: Of the lists.
      values: All scalars, in row-major order.
    """

    shape: tuple[int, ...]
    values: list[Any]


def read_nested(value: Any, dtype: str) -> JsonTensor:
    """Takes nested lists apart, level by level.

    Args:
      value: A scalar, or lists of lists.
      dtype: TensorFlow's name of the type that the scalars must have.

    Raises:
      RestError: The lists of one level differ in length or kind, or a scalar is of another type.
    """
    shape: list[int] = []
    level = [value]
    # The first value of each level says how deep and how long the lists are, as in TensorFlow Serving.
    while level and isinstance(level[0], list):
        expected = len(level[0])
        # In C, for every pixel passes through here: a loop in Python takes ten times as long.
        if set(map(type, level)) != {list} or set(map(len, level)) != {expected}:
            raise _irregular(level, depth=len(shape), expected=expected)
        shape.append(expected)
        level = list(chain.from_iterable(level))
    return JsonTensor(tuple(shape), _scalars(level, dtype, len(shape)))


def make_array(shape: Sequence[int], values: Sequence[Any], dtype: str) -> Array:
    """An array of scalars in row-major order, which `read_nested` has found to be of the type.

    Args:
      shape: Of the array.
      values: What `read_nested` gives.
      dtype: TensorFlow's name of the type; bytes become an array of objects.
    """
    # float32 takes what is too large for it as infinite, as TensorFlow Serving does.
    with np.errstate(over="ignore"):
        try:
            return np.array(values, object if dtype == STRING else dtype).reshape(shape)
        except OverflowError as error:
            raise invalid("JSON Parse error: Number too big to be stored in double.") from error


def is_base64(value: Any) -> bool:
    """Whether it is bytes, written as `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(_BASE64), str)


def _scalars(values: list[Any], dtype: str, rank: int) -> list[Any]:
    if dtype == STRING:
        return [_bytes(value, rank) for value in values]
    types = set(map(type, values))
    if types <= _JSON_TYPES.get(dtype, set()) and _is_in_range(values, dtype):
        return values
    for value in values:
        if isinstance(value, list):
            raise _unexpected_list(rank)
        if type(value) not in _JSON_TYPES.get(dtype, set()) or not _is_in_range([value], dtype):
            raise _wrong_type(value, dtype)
    return values


def _bytes(value: Any, rank: int) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, list):
        raise _unexpected_list(rank)
    if not isinstance(value, dict):
        raise _wrong_type(value, STRING)
    if not is_base64(value):
        raise invalid(f"JSON Value: {quote(value)} not formatted correctly for base64 data")
    # As absl::Base64Unescape: the padding may be missing, and white space is nothing.
    text = "".join(value[_BASE64].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _is_in_range(values: list[Any], dtype: str) -> bool:
    if not values or not dtype.startswith(("int", "uint")):
        return True
    bounds = np.iinfo(dtype)
    return int(bounds.min) <= min(values) and max(values) <= int(bounds.max)


def _irregular(level: list[Any], depth: int, expected: int) -> RestError:
    for value in level:
        if not isinstance(value, list):
            rank = depth + _rank(level[0])
            return invalid(
                f"JSON Value: {quote(value)} found at incorrect level: {depth + 1} in the JSON DOM. Expected at level: {rank}"
            )
        if len(value) != expected:
            return invalid(f"Encountered list at unexpected size: {len(value)} at level: {depth} expected size: {expected}")
    raise AssertionError("The lists are regular.")


def _rank(value: Any) -> int:
    rank = 0
    while isinstance(value, list):
        rank, value = rank + 1, value[0] if value else None
    return rank


def _unexpected_list(rank: int) -> RestError:
    return invalid(f"Encountered list at unexpected level: {rank} expected < {rank}")


def _wrong_type(value: Any, dtype: str) -> RestError:
    name = _TENSORFLOW_NAMES.get(dtype, dtype)
    return invalid(f"JSON Value: {quote(value)} Type: {type_name(value)} is not of expected type: {name}")
