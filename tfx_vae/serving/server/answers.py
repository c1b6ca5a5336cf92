"""What a model gave as JSON (json_tensor.cc, MakeJsonFromTensors).

What a server says about a model: its versions' status, and its signatures.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from tensorflow.core.protobuf.error_codes_pb2 import Code
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from components.artifacts.loaded_model import Array
from tfx_vae.serving.server.errors import invalid

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


_SERVE_TAG: Final = "serve"


class VersionStatus(NamedTuple):
    """How it stands with a version.

    Attributes:
      version: Its number.
      state: A name of ModelVersionStatus.State: LOADING, AVAILABLE, UNLOADING or END.
      error: Why it could not be loaded; empty if nothing went wrong.
    """

    version: int
    state: str
    error: str = ""


def write_status(versions: Iterable[VersionStatus]) -> bytes:
    """GetModelStatusResponse as JSON."""
    response = GetModelStatusResponse()
    for version, state, error in versions:
        status = response.model_version_status.add(version=version, state=ModelVersionStatus.State.Value(state))
        status.status.error_code = Code.UNKNOWN if error else Code.OK
        status.status.error_message = error
    # The proto itself says which names keep their underscores.
    return orjson.dumps(_as_dict(response, keeps_names=False))


def write_metadata(name: str, version: int, directory: Path) -> bytes:
    """GetModelMetadataResponse as JSON.

    Args:
      name: Of the model.
      version: Its number.
      directory: The SavedModel.
    """
    spec = ModelSpec(name=name)
    spec.version.value = version
    saved = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    [graph] = [graph for graph in saved.meta_graphs if _SERVE_TAG in graph.meta_info_def.tags]
    signatures = SignatureDefMap(signature_def=graph.signature_def)
    return orjson.dumps(
        {
            "model_spec": _as_dict(spec, keeps_names=True),
            "metadata": {"signature_def": _as_dict(signatures, keeps_names=True)},
        }
    )


def _as_dict(message: Message, keeps_names: bool) -> dict[str, Any]:
    return MessageToDict(message, always_print_fields_with_no_presence=True, preserving_proto_field_name=keeps_names)
