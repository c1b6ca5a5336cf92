"""What a server says about a model: its versions' status, and its signatures."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from tensorflow.core.protobuf.error_codes_pb2 import Code
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

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
