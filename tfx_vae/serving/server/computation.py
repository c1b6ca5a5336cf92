"""From the body of a predict request to the body of its answer; runs in the server's threads."""

import io
import math
from collections.abc import Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Final

import tensorflow as tf
from PIL import Image
from starlette.exceptions import HTTPException

from components.artifacts.features import IMAGE
from components.artifacts.loaded_model import LoadedModel, Tensor
from components.artifacts.signature_names import COUNT, EXAMPLES, SAMPLES, STEPS
from tfx_vae.serving.server.answers import write_predict_answer
from tfx_vae.serving.server.errors import invalid
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.metrics import Metrics
from tfx_vae.serving.server.requests import PredictRequest, parse_object, read_predict_request
from tfx_vae.serving.server.versions import AvailableVersions

# As in TensorFlow Serving (http_server.cc); all others are 500.
_STATUS_OF: Final[dict[type[tf.errors.OpError], HTTPStatus]] = {
    tf.errors.InvalidArgumentError: HTTPStatus.BAD_REQUEST,
    tf.errors.FailedPreconditionError: HTTPStatus.BAD_REQUEST,
    tf.errors.OutOfRangeError: HTTPStatus.BAD_REQUEST,
    tf.errors.NotFoundError: HTTPStatus.NOT_FOUND,
    tf.errors.ResourceExhaustedError: HTTPStatus.TOO_MANY_REQUESTS,
    tf.errors.UnimplementedError: HTTPStatus.NOT_IMPLEMENTED,
}

_COUNTS: Final = (COUNT, STEPS, SAMPLES)
"""Inputs that say how many images an instance makes."""

_END_OF_STACK: Final = "<stack traces unavailable>"
# TensorFlow's message may quote the whole input.
_LONGEST_SENTENCE: Final = 1000
# Those of tf.io.decode_image.
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP")


class Computation:
    """Answers predict requests."""

    def __init__(self, available: AvailableVersions, limits: Limits, metrics: Metrics) -> None:
        """Keeps what it needs.

        Args:
          available: The versions that can answer.
          limits: Those of a request.
          metrics: Gets the scores, and the seconds in the model.
        """
        self._available = available
        self._limits = limits
        self._metrics = metrics

    def answer(self, model: str, version: int | None, body: bytes) -> bytes:
        """Answers a predict request.

        Args:
          model: Its name.
          version: None for the newest.
          body: JSON.

        Raises:
          HTTPException: The request is refused.
        """
        document = parse_object(body)
        with self._available.lease(model, version) as served:
            request = read_predict_request(document, served.model.signatures)
            _check(request, served.model, self._limits)
            start = perf_counter()
            try:
                outputs = served.model.call(request.signature, **request.inputs)
            except tf.errors.OpError as error:
                raise HTTPException(_STATUS_OF.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR), _sentence(error)) from error
        self._metrics.note_outputs(served.version, request.signature, outputs, perf_counter() - start)
        return write_predict_answer(outputs, request.has_rows)


def _sentence(error: tf.errors.OpError) -> str:
    """TensorFlow's message without the place in the graph."""
    lines = [line for line in error.message.rpartition(_END_OF_STACK)[2].splitlines() if line.strip()]
    return "".join(lines[:1])[:_LONGEST_SENTENCE]


def _check(request: PredictRequest, model: LoadedModel, limits: Limits) -> None:
    """Refuses requests that the model cannot compute, or that would take too much memory."""
    _check_shapes(request, model)
    _check_size(request, model, limits.pixels)
    if EXAMPLES in request.inputs:
        _check_encoded(request.inputs[EXAMPLES], limits.encoded_pixels)


def _check_shapes(request: PredictRequest, model: LoadedModel) -> None:
    for name, wanted in model.signatures[request.signature].inputs.items():
        shape = request.inputs[name].shape
        if len(shape) == len(wanted.shape) and all(map(_fits, shape, wanted.shape)):
            continue
        message = f"Input {name} has shape {_show(shape)}, but signature {request.signature} takes {_show(wanted.shape)}."
        if request.has_rows and not _is_batched(wanted):
            message += " It has no row for each instance: send the request in the column format, as 'inputs'."
        raise invalid(message)


def _check_size(request: PredictRequest, model: LoadedModel, pixels: int) -> None:
    """Refuses requests for more images than the limit.

    A request makes as many images as it sends, times the counts that it asks for.
    """
    counts = {"instances": 1}
    for name, wanted in model.signatures[request.signature].inputs.items():
        value = request.inputs[name]
        if _is_batched(wanted):
            counts["instances"] = len(value)
        elif name in _COUNTS:
            counts[name] = int(value)
            if counts[name] < 0:
                raise invalid(f"Input {name} is {counts[name]}, but must not be negative.")
    limit = pixels // math.prod(model.image_shape)
    if math.prod(counts.values()) > limit:
        asked = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        raise invalid(f"The request makes more than {limit:,} images, the limit of this server ({asked}).")


def _check_encoded(examples: Iterable[bytes], pixels: int) -> None:
    """Refuses image files that become too large when decoded: a PNG file of 500 KB can become 500 MB.

    Bytes that are not an example or not an image are left to the model to refuse.

    Args:
      examples: Serialized tf.Examples.
      pixels: Of all their images together, before the model resizes them.

    Raises:
      HTTPException: They have more.
    """
    total = 0
    for example in examples:
        total += _declared_pixels(example, pixels + 1)
        if total > pixels:
            raise invalid(f"The decoded images have more than {pixels / 1e6:.0f} million pixels in all: scale them down.")


def _declared_pixels(example: bytes, too_many: int) -> int:
    try:
        values = tf.train.Example.FromString(example).features.feature[IMAGE].bytes_list.value
        # Reads only the head of the file.
        sizes = [Image.open(io.BytesIO(value), formats=_FORMATS).size for value in values]
    except Image.DecompressionBombError:
        return too_many
    except Exception:  # Pillow raises many types for damaged files; the model refuses them
        return 0
    return sum(width * height for width, height in sizes)


def _show(shape: tuple[int | None, ...]) -> str:
    """A shape as TensorFlow Serving prints it, -1 for a free size."""
    return f"[{','.join('-1' if size is None else str(size) for size in shape)}]"


def _fits(size: int, wanted: int | None) -> bool:
    return wanted is None or size == wanted


def _is_batched(tensor: Tensor) -> bool:
    return bool(tensor.shape) and tensor.shape[0] is None
