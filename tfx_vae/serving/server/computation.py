"""From the body of a request to the body of its answer. This is what the threads do.

What a request must be like before the model sees it, so that it neither stumbles nor eats the memory.

Classify and regress: what TensorFlow Serving says where a model has no signature for them, as ours have none.
"""

import io
import math
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import numpy as np
import tensorflow as tf
from PIL import Image

from components.artifacts.features import IMAGE
from components.artifacts.loaded_model import LoadedModel, Signature, Tensor
from components.artifacts.signature_names import EXAMPLES
from tfx_vae.serving.server.answers import write_predict_answer
from tfx_vae.serving.server.errors import RestError, invalid
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.requests import (
    PREDICT,
    Address,
    PredictRequest,
    parse_object,
    quote,
    read_predict_request,
    show_shape,
    signature_name,
)
from tfx_vae.serving.server.versions import AvailableVersions

# http_server.cc; whatever is not here is 500.
_STATUS_OF: Final[dict[type[tf.errors.OpError], HTTPStatus]] = {
    tf.errors.InvalidArgumentError: HTTPStatus.BAD_REQUEST,
    tf.errors.FailedPreconditionError: HTTPStatus.BAD_REQUEST,
    tf.errors.OutOfRangeError: HTTPStatus.BAD_REQUEST,
    tf.errors.NotFoundError: HTTPStatus.NOT_FOUND,
    tf.errors.ResourceExhaustedError: HTTPStatus.TOO_MANY_REQUESTS,
    tf.errors.UnimplementedError: HTTPStatus.NOT_IMPLEMENTED,
}

_END_OF_STACK: Final = "<stack traces unavailable>"
# It may quote what it was given.
_LONGEST_SENTENCE: Final = 1000


def compute(address: Address, body: bytes, available: AvailableVersions, limits: Limits) -> bytes:
    """Answers a request to predict, classify or regress.

    Args:
      address: What it is for.
      body: JSON.
      available: What can answer.
      limits: What a request may take.

    Raises:
      RestError: The request is refused.
    """
    document = parse_object(body)
    if address.method != PREDICT:
        check_examples(document)
        with available.lease(address) as served:
            raise no_such_signature(address.method, document, served.model.signatures)
    signature_name(document)  # TensorFlow Serving looks at it before it looks for the model
    with available.lease(address) as served:
        request = read_predict_request(document, served.model.signatures)
        check(request, served.model, limits)
        try:
            outputs = served.model.call(request.signature, **request.inputs)
        except tf.errors.OpError as error:
            raise RestError(_STATUS_OF.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR), _sentence(error)) from error
    return write_predict_answer(outputs, request.has_rows)


def _sentence(error: tf.errors.OpError) -> str:
    """What TensorFlow says without where in the graph it says so."""
    lines = [line for line in error.message.rpartition(_END_OF_STACK)[2].splitlines() if line.strip()]
    return "".join(lines[:1])[:_LONGEST_SENTENCE]


# What tf.io.decode_image knows.
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP")


def check(request: PredictRequest, model: LoadedModel, limits: Limits) -> None:
    """Refuses what the model cannot or should not compute.

    Raises:
      RestError: An input has another shape, or the request is too large.
    """
    check_shapes(request, model)
    check_size(request, model, limits.pixels)
    if EXAMPLES in request.inputs:
        check_encoded(request.inputs[EXAMPLES], limits.encoded_pixels)


def check_shapes(request: PredictRequest, model: LoadedModel) -> None:
    """Refuses inputs of another shape, which TensorFlow Serving would leave to the graph to stumble over.

    Raises:
      RestError: One has another shape.
    """
    for name, wanted in model.signatures[request.signature].inputs.items():
        shape = request.inputs[name].shape
        if len(shape) == len(wanted.shape) and all(map(_fits, shape, wanted.shape)):
            continue
        message = (
            f"Input {name} has shape {show_shape(shape)}, but signature {request.signature} takes {show_shape(wanted.shape)}."
        )
        if request.has_rows and not _is_batched(wanted):
            message += " It is not one for each instance: send the request in the column format, as 'inputs'."
        raise invalid(message)


def check_size(request: PredictRequest, model: LoadedModel, pixels: int) -> None:
    """Refuses to hold more images in memory than the limit allows.

    How many a request makes is how many it sends, times the counts that it asks for (`count`, `steps`, `samples`).

    Raises:
      RestError: They are too many, or a count is negative.
    """
    counts = {"instances": 1}
    for name, wanted in model.signatures[request.signature].inputs.items():
        value = request.inputs[name]
        if _is_batched(wanted):
            counts["instances"] = len(value)
        elif not wanted.shape and np.issubdtype(value.dtype, np.integer):
            counts[name] = int(value)
            if counts[name] < 0:
                raise invalid(f"Input {name} is {counts[name]}, but must not be negative.")
    limit = pixels // math.prod(model.image_shape)
    if math.prod(counts.values()) > limit:
        asked = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        raise invalid(f"This asks for more images than the {limit:,} that this server computes at once ({asked}).")


def check_encoded(examples: Iterable[bytes], pixels: int) -> None:
    """Refuses images that are much larger than they look: a PNG file of 500 KB can become 500 MB.

    What is no example or no image is left to the model to refuse.

    Args:
      examples: Serialized tf.Examples.
      pixels: That their images may have in all, before the model scales them to its size.

    Raises:
      RestError: They have more.
    """
    total = 0
    for example in examples:
        total += _declared_pixels(example, pixels + 1)
        if total > pixels:
            raise invalid(f"The images have more than {pixels / 1e6:.0f} million pixels in all when decoded: scale them down.")


def _declared_pixels(example: bytes, too_many: int) -> int:
    try:
        values = tf.train.Example.FromString(example).features.feature[IMAGE].bytes_list.value
        # Reads the head of the file alone.
        sizes = [Image.open(io.BytesIO(value), formats=_FORMATS).size for value in values]
    except Image.DecompressionBombError:
        return too_many
    except Exception:  # Pillow raises all kinds of them where a file is damaged; the model says what is wrong
        return 0
    return sum(width * height for width, height in sizes)


def _fits(size: int, wanted: int | None) -> bool:
    return wanted is None or size == wanted


def _is_batched(tensor: Tensor) -> bool:
    return bool(tensor.shape) and tensor.shape[0] is None


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
