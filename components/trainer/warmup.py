"""Requests that a server answers before it takes real ones: one for each signature, with what the Trainer itself answers.

The first request after a model was loaded is a slow one. TensorFlow Serving therefore replays, while it loads, the requests in
`assets.extra/tf_serving_warmup_requests`, and refuses the model if one fails. It asks the model at hand; the model's name in a
request only labels a statistic (saved_model_warmup.cc and predict_util.cc in tensorflow_serving/servables/tensorflow), so that
is left empty: a model does not know what it will be served as.

A record has room for a response, which TensorFlow Serving does not read, and which components/infra_validator compares with.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import COUNT, ENCODE, END, EXAMPLES, LATENT, LATENT_MEAN, SAMPLES, SEED, START, STEPS

WARMUP_FILE: Final = "assets.extra/tf_serving_warmup_requests"
"""Within the SavedModel's directory: TFRecords of PredictionLog."""

WARMUP_IMAGES: Final = 4
"""In each request, at most."""

_STEPS: Final = 5
_SAMPLES: Final = 8


class RecordedRequest(NamedTuple):
    """A request, and what the Trainer answered to it."""

    signature: str
    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]


def write_warmup_requests(saved_model: str, signatures: Mapping[str, Any], pixels: tf.Tensor) -> None:
    """Asks each signature about some images, and writes question and answer into the SavedModel's directory.

    Args:
      saved_model: The directory.
      signatures: The concrete functions that were exported, by name.
      pixels: Real images, float32 [N, height, width, channels] in [0, 1]; the first four are taken.
    """
    inputs = _inputs(pixels[:WARMUP_IMAGES], signatures[ENCODE])
    path = f"{saved_model.rstrip('/')}/{WARMUP_FILE}"
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.TFRecordWriter(path) as writer:
        for name, function in signatures.items():
            own = {spec.name: inputs[spec.name] for spec in tf.nest.flatten(function.structured_input_signature)}
            writer.write(_prediction_log(name, own, function(**own)).SerializeToString())


def read_warmup_requests(saved_model: str) -> list[RecordedRequest]:
    """Reads what `write_warmup_requests` wrote.

    Raises:
      tf.errors.NotFoundError: There is no such file.
      tf.errors.DataLossError: It is corrupt.
      google.protobuf.message.DecodeError: A record is something else.
    """
    records = tf.data.TFRecordDataset(f"{saved_model.rstrip('/')}/{WARMUP_FILE}").as_numpy_iterator()
    logs = [PredictionLog.FromString(record).predict_log for record in records]
    return [
        RecordedRequest(log.request.model_spec.signature_name, _arrays(log.request.inputs), _arrays(log.response.outputs))
        for log in logs
    ]


def _inputs(pixels: tf.Tensor, encode: Any) -> dict[str, tf.Tensor]:
    """By name, whatever a signature may ask for."""
    # Scaled as Transform does, so that both ways of handing over an image hand over the same one.
    grey_levels = tf.cast(tf.round(pixels * 255.0), tf.uint8)
    image = tf.cast(grey_levels, tf.float32) * (1.0 / 255.0)
    return {
        EXAMPLES: tf.stack([_example(levels) for levels in grey_levels]),
        IMAGE: image,
        START: image,
        END: tf.reverse(image, axis=[0]),
        STEPS: tf.constant(_STEPS),
        LATENT: encode(image)[LATENT_MEAN],
        COUNT: tf.constant(len(pixels)),
        SEED: tf.constant([0, 0]),
        SAMPLES: tf.constant(_SAMPLES),
    }


def _example(grey_levels: tf.Tensor) -> bytes:
    """A raw example, as it is before Transform: the PNG gives back exactly what the transformed image was made of."""
    example = tf.train.Example()
    example.features.feature[IMAGE].bytes_list.value.append(tf.io.encode_png(grey_levels).numpy())
    return example.SerializeToString()


def _prediction_log(signature: str, inputs: Mapping[str, tf.Tensor], outputs: Mapping[str, tf.Tensor]) -> PredictionLog:
    request = PredictRequest(inputs={name: tf.make_tensor_proto(value) for name, value in inputs.items()})
    request.model_spec.signature_name = signature
    response = PredictResponse(outputs={name: tf.make_tensor_proto(value) for name, value in outputs.items()})
    return PredictionLog(predict_log=PredictLog(request=request, response=response))


def _arrays(tensors: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: tf.make_ndarray(tensor) for name, tensor in tensors.items()}
