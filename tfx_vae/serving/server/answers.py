"""The bodies of answers: predictions, the status and the metadata of versions, and the description for the page."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from starlette.exceptions import HTTPException
from tensorflow.core.protobuf.error_codes_pb2 import Code
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from components.artifacts.latent_map import read_map
from components.artifacts.loaded_model import Array, LoadedModel
from components.artifacts.signature_names import GENERATE_AT_TEMPERATURE
from components.errors import DataError
from tfx_vae.serving.server.errors import invalid

_SERVE_TAG: Final = "serve"
_SHOWN_CHANNELS: Final = (1, 3)


class VersionStatus(NamedTuple):
    """The state of a version.

    Attributes:
      version: Its number.
      state: A name of ModelVersionStatus.State: LOADING, AVAILABLE, UNLOADING or END.
      error: Why it could not be loaded; empty without an error.
    """

    version: int
    state: str
    error: str = ""


def write_predict_answer(outputs: Mapping[str, Array], has_rows: bool) -> bytes:
    """The outputs in the format of the request; a single output without its name.

    Args:
      outputs: By name.
      has_rows: A row for each instance (`predictions`), or all outputs by name (`outputs`).

    Raises:
      HTTPException: Rows were asked for, and the outputs differ in their number.
    """
    rows = {output.shape[:1] for output in outputs.values()}
    if has_rows and (len(rows) > 1 or () in rows):
        raise invalid("The outputs are not one row for each instance: send the request in the column format, as 'inputs'.")
    # orjson writes arrays only if they are contiguous and have a dimension; scalars it writes as numpy's own.
    columns = {name: np.ascontiguousarray(output) if output.ndim else output[()] for name, output in outputs.items()}
    is_finite = all(np.isfinite(output).all() for output in outputs.values())
    prepared = _with_pixels_written if is_finite else np.asarray
    values: Any
    if has_rows and len(columns) > 1:
        values = [dict(zip(columns, map(prepared, row), strict=True)) for row in zip(*columns.values(), strict=True)]
    else:
        values = {name: prepared(column) for name, column in columns.items()}
        if len(columns) == 1:
            [values] = values.values()
    document = {"predictions" if has_rows else "outputs": values}
    if is_finite:
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    # orjson would write null; TensorFlow Serving writes NaN, Infinity and -Infinity.
    return json.dumps(document, default=lambda array: array.tolist()).encode()


def _with_pixels_written(value: Any) -> Any:
    """The same; written already if its innermost lists have one number, such as the pixels of grey images.

    orjson takes twice as long for a list around each number.
    """
    if not (value.ndim > 1 and value.shape[-1] == 1 and value.size):
        return value
    numbers = orjson.dumps(value[..., 0], option=orjson.OPT_SERIALIZE_NUMPY)
    # Each comma ends a list and begins the next one.
    return orjson.Fragment(b"[" + numbers.replace(b",", b"],[") + b"]")


def write_status(versions: Iterable[VersionStatus]) -> bytes:
    """GetModelStatusResponse as JSON."""
    response = GetModelStatusResponse()
    for version, state, error in versions:
        status = response.model_version_status.add(version=version, state=ModelVersionStatus.State.Value(state))
        status.status.error_code = Code.UNKNOWN if error else Code.OK
        status.status.error_message = error
    # The proto itself names the fields that keep their underscores.
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


def describe(model: LoadedModel, name: str, version: int) -> dict[str, object]:
    """The content of `/page/model.json`.

    Args:
      model: The model that is served.
      name: Under which it is served.
      version: Of the model.

    Returns:
      `name` and `version`; `image_shape`: height, width and channels; `fit` and `background`: how images of another size
      are brought to it; `latent_dim`; `has_posterior`: whether codes are
      distributions, as in a VAE; `labels`: the names of the labels that it can draw, by number; `has_temperature`: whether
      samples can have one, unlike those of older models; `latent_map`: the fields of `LatentMap`, or None;
      `latent_map_missing`: a sentence that says why there is none, or None.

    Raises:
      HTTPException: The page cannot show images with so many channels.
    """
    channels = model.image_shape[-1]
    if channels not in _SHOWN_CHANNELS:
        message = f"This page can show only grey and RGB images, but the model's have {channels} channels: use the REST API."
        raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, message)
    try:
        latent_map, missing = read_map(model.directory), None
    except DataError as error:
        latent_map, missing = None, str(error)
    if latent_map is None and missing is None:
        missing = "This model was exported without a latent map: train and push again to see one."
    return {
        "name": name,
        "version": version,
        "image_shape": model.image_shape,
        "fit": model.model_input.fit,
        "background": model.model_input.background,
        "latent_dim": model.latent_dim,
        "has_posterior": model.has_posterior,
        "labels": {str(number): name for number, name in model.labels.items()},
        "has_temperature": GENERATE_AT_TEMPERATURE in model.signatures,
        "latent_map": None if latent_map is None else latent_map.model_dump(),
        "latent_map_missing": missing,
    }
