"""From the body of a request to the body of its answer. This is what the threads do."""

from http import HTTPStatus
from typing import Final

import tensorflow as tf

from tfx_vae.serving.server.checks import check
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.rest_api.addresses import PREDICT, Address
from tfx_vae.serving.server.rest_api.errors import RestError
from tfx_vae.serving.server.rest_api.examples_request import check_examples, no_such_signature
from tfx_vae.serving.server.rest_api.json_text import parse_object
from tfx_vae.serving.server.rest_api.predict_answer import write_predict_answer
from tfx_vae.serving.server.rest_api.predict_request import read_predict_request, signature_name
from tfx_vae.serving.server.versions.available import AvailableVersions

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
