"""What a request must be like before the model sees it, so that it neither stumbles nor eats the memory."""

import io
import math
from collections.abc import Iterable
from typing import Final

import numpy as np
import tensorflow as tf
from PIL import Image

from components.artifacts.features import IMAGE
from components.artifacts.loaded_model import LoadedModel, Tensor
from components.artifacts.signature_names import EXAMPLES
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.rest_api.errors import invalid
from tfx_vae.serving.server.rest_api.predict_request import PredictRequest, show_shape

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
