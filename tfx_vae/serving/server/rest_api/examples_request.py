"""Classify and regress: what TensorFlow Serving says where a model has no signature for them, as ours have none."""

from collections.abc import Mapping
from typing import Any, Final

from components.artifacts.loaded_model import Signature
from tfx_vae.serving.server.rest_api.errors import RestError, invalid
from tfx_vae.serving.server.rest_api.json_text import quote
from tfx_vae.serving.server.rest_api.predict_request import signature_name

_EXAMPLES: Final = "examples"


def check_examples(document: Mapping[str, Any]) -> None:
    """Refuses a body that is no request to classify or regress.

    Raises:
      RestError: There are no examples.
    """
    if _EXAMPLES not in document:
        raise invalid(f"JSON Value: {quote(document)} When method is classify, key '{_EXAMPLES}' is expected and was not found")
    if not isinstance(document[_EXAMPLES], list):
        raise invalid(f"JSON Value: {quote(document)} Expecting '{_EXAMPLES}' value to be an list/array")
    if not document[_EXAMPLES]:
        raise invalid(f"JSON Value: {quote(document)} '{_EXAMPLES}' value is an empty array")


def no_such_signature(method: str, document: Mapping[str, Any], signatures: Mapping[str, Signature]) -> RestError:
    """Why the signature cannot classify or regress (classifier.cc, regressor.cc).

    Args:
      method: `classify` or `regress`.
      document: The body.
      signatures: What the model has, none of which takes one input named `inputs`.
    """
    name = signature_name(document)
    if name not in signatures:
        return invalid(f"No signature was found with the name: {name}")
    signature = signatures[name]
    if len(signature.inputs) != 1:
        return invalid("Expected one input Tensor.")
    if method == "regress" and len(signature.outputs) != 1:
        return invalid("Expected one output Tensor.")
    if method == "classify" and len(signature.outputs) not in (1, 2):
        return invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    kind = {"classify": "classification", "regress": "regression"}[method]
    return invalid(f"No {kind} inputs found in SignatureDef: {name}")
