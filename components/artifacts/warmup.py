"""Requests that a server answers before it takes real ones, and the Trainer's answers to them, as they are in a SavedModel.

The first request after a model was loaded is slow. TensorFlow Serving therefore replays the requests in
`assets.extra/tf_serving_warmup_requests` while it loads a model, and refuses the model if one fails. It sends them to that
model; the model's name in a request only labels a statistic (saved_model_warmup.cc and predict_util.cc in
tensorflow_serving/servables/tensorflow). It stays empty, because the name under which a model will be served is not known.

TensorFlow Serving does not read the response in a record. Our server and components/infra_validator read both.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

WARMUP_FILE: Final = "assets.extra/tf_serving_warmup_requests"
"""In the SavedModel's directory: TFRecords of PredictionLog."""


class RecordedRequest(NamedTuple):
    """A request and the Trainer's answer: arrays by name."""

    signature: str
    inputs: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]


def write_warmup_requests(saved_model: str, requests: Iterable[RecordedRequest]) -> None:
    """Writes requests into a SavedModel's directory."""
    path = f"{saved_model.rstrip('/')}/{WARMUP_FILE}"
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.TFRecordWriter(path) as writer:
        for signature, inputs, outputs in requests:
            request = PredictRequest(inputs=_protos(inputs))
            request.model_spec.signature_name = signature
            log = PredictLog(request=request, response=PredictResponse(outputs=_protos(outputs)))
            writer.write(PredictionLog(predict_log=log).SerializeToString())


def read_warmup_requests(saved_model: str) -> list[RecordedRequest]:
    """Reads the requests in a SavedModel's directory.

    Raises:
      tf.errors.NotFoundError: There is no such file.
      tf.errors.DataLossError: The file is corrupt.
      google.protobuf.message.DecodeError: A record is not a PredictionLog.
    """
    records = tf.data.TFRecordDataset(f"{saved_model.rstrip('/')}/{WARMUP_FILE}").as_numpy_iterator()
    logs = [PredictionLog.FromString(record).predict_log for record in records]
    return [
        RecordedRequest(log.request.model_spec.signature_name, _arrays(log.request.inputs), _arrays(log.response.outputs))
        for log in logs
    ]


def _protos(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tf.make_tensor_proto(value) for name, value in tensors.items()}


def _arrays(protos: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: tf.make_ndarray(proto) for name, proto in protos.items()}
