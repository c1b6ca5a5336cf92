"""From the body of a request to the body of its answer. This is what the threads do."""

import math
from http import HTTPStatus
from typing import Final

import numpy as np
import tensorflow as tf

from components.loaded_model import LoadedModel, Tensor
from pipelines.serving.server.rest_api.addresses import PREDICT, Address
from pipelines.serving.server.rest_api.errors import RestError, invalid
from pipelines.serving.server.rest_api.examples_request import check_examples, no_such_signature
from pipelines.serving.server.rest_api.json_text import parse_object
from pipelines.serving.server.rest_api.predict_answer import write_predict_answer
from pipelines.serving.server.rest_api.predict_request import (
    PredictRequest,
    read_predict_request,
    show_shape,
    signature_name,
)
from pipelines.serving.server.versions.available import AvailableVersions

# http_server.cc; whatever is not here is 500.
_STATUS_OF: Final[dict[type[tf.errors.OpError], HTTPStatus]] = {
    tf.errors.InvalidArgumentError: HTTPStatus.BAD_REQUEST,
    tf.errors.FailedPreconditionError: HTTPStatus.BAD_REQUEST,
    tf.errors.OutOfRangeError: HTTPStatus.BAD_REQUEST,
    tf.errors.NotFoundError: HTTPStatus.NOT_FOUND,
    tf.errors.ResourceExhaustedError: HTTPStatus.TOO_MANY_REQUESTS,
    tf.errors.UnimplementedError: HTTPStatus.NOT_IMPLEMENTED,
}


def compute(address: Address, body: bytes, available: AvailableVersions, pixels: int) -> bytes:
    """Answers a request to predict, classify or regress.

    Args:
      address: What it is for.
      body: JSON.
      available: What can answer.
      pixels: That the images of one request may have in all.

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
        check_shapes(request, served.model)
        check_size(request, served.model, pixels)
        try:
            outputs = served.model.call(request.signature, **request.inputs)
        except tf.errors.OpError as error:
            raise RestError(_STATUS_OF.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR), error.message) from error
    return write_predict_answer(outputs, request.has_rows)


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
    counts: dict[str, int] = {}
    for name, wanted in model.signatures[request.signature].inputs.items():
        value = request.inputs[name]
        if _is_batched(wanted):
            counts["instances"] = max(len(value), counts.get("instances", 0))
        elif not wanted.shape and np.issubdtype(value.dtype, np.integer):
            counts[name] = int(value)
            if counts[name] < 0:
                raise invalid(f"Input {name} is {counts[name]}, but must not be negative.")
    limit = pixels // math.prod(model.image_shape)
    if math.prod(counts.values()) > limit:
        asked = " times ".join(f"{count:,} {name}" for name, count in counts.items())
        raise invalid(f"{asked} are more images than the {limit:,} that this server computes at once: ask for fewer at a time.")


def _fits(size: int, wanted: int | None) -> bool:
    return wanted is None or size == wanted


def _is_batched(tensor: Tensor) -> bool:
    return bool(tensor.shape) and tensor.shape[0] is None
