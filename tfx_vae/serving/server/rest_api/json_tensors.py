"""JSON values as arrays (json_tensor.cc, FillTensorProto)."""

import base64
import binascii
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from components.artifacts.loaded_model import Array
from tfx_vae.serving.server.rest_api.errors import RestError, invalid
from tfx_vae.serving.server.rest_api.json_text import quote, type_name

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
