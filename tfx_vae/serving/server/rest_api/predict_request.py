"""What a predict request asks (json_tensor.cc, FillPredictRequestFromJson)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from components.artifacts.loaded_model import Array, Signature, Tensor
from components.artifacts.signature_names import SERVING_DEFAULT
from tfx_vae.serving.server.rest_api.errors import RestError, invalid
from tfx_vae.serving.server.rest_api.json_tensors import is_base64, make_array, read_nested
from tfx_vae.serving.server.rest_api.json_text import quote

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
