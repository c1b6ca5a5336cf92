"""What a model gave as JSON (json_tensor.cc, MakeJsonFromTensors)."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson

from components.artifacts.loaded_model import Array
from tfx_vae.serving.server.rest_api.errors import invalid

_PREDICTIONS: Final = "predictions"
_OUTPUTS: Final = "outputs"
_BYTES_SUFFIX: Final = "_bytes"


def write_predict_answer(outputs: Mapping[str, Array], has_rows: bool) -> bytes:
    """Writes the outputs in the format that the request had; the only output without its name.

    Args:
      outputs: By name.
      has_rows: A row for each instance (`predictions`), or every output whole (`outputs`).

    Raises:
      RestError: Rows were asked for, and the outputs have different numbers of them, or none.
    """
    if has_rows:
        _check_rows(outputs)
    columns = {name: _writable(name, output) for name, output in outputs.items()}
    if len(columns) == 1:
        [values] = columns.values()
    elif has_rows:
        values = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    else:
        values = columns
    key = _PREDICTIONS if has_rows else _OUTPUTS
    if all(_is_finite(output) for output in outputs.values()):
        return orjson.dumps({key: values}, option=orjson.OPT_SERIALIZE_NUMPY)
    # orjson would write null, for JSON has no such numbers; TensorFlow Serving writes NaN, Infinity and -Infinity.
    return json.dumps({key: values}, default=_shortest_decimals).encode()


def _check_rows(outputs: Mapping[str, Array]) -> None:
    rows: int | None = None
    for name, output in outputs.items():
        if not output.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if rows is not None and rows != len(output):
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(output)} expecting: {rows}")
        rows = len(output)


def _writable(name: str, output: Array) -> Any:
    if output.dtype == object:
        return _texts(output.tolist(), name.endswith(_BYTES_SUFFIX))
    # orjson writes arrays of at least one dimension, and numpy's scalars.
    return np.ascontiguousarray(output) if output.ndim else output[()]


def _texts(values: Any, are_bytes: bool) -> Any:
    if isinstance(values, list):
        return [_texts(value, are_bytes) for value in values]
    return {"b64": base64.b64encode(values).decode()} if are_bytes else values.decode(errors="replace")


def _is_finite(output: Array) -> bool:
    return output.dtype.kind != "f" or bool(np.isfinite(output).all())


def _shortest_decimals(values: Any) -> Any:
    """float32 as orjson writes it: 0.1, and not the float64 beside it, 0.10000000149."""
    if values.dtype.kind == "f":
        values = values.astype(str).astype(np.float64)
    return values.tolist()
