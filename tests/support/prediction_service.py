"""A gRPC server with TensorFlow Serving's protos, answered by the model in a session, as TensorFlow Serving runs it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)

from components.infra_validator.replay import ServingSession


class _PredictionService(PredictionServiceServicer):
    """Predict, with the refusals of server_core.cc and predict_util.cc."""

    def __init__(self, name: str, version: int, session: ServingSession) -> None:
        self.requests: list[PredictRequest] = []
        self._name, self._version, self._session = name, version, session

    def Predict(self, request: PredictRequest, context: Any) -> PredictResponse:  # noqa: N802 (the service's name)
        self.requests.append(request)
        spec = request.model_spec
        if spec.name != self._name or spec.version.value not in (0, self._version):
            wanted = f"Specific({spec.name}, {spec.version.value})" if spec.HasField("version") else f"Latest({spec.name})"
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")
        if spec.signature_name not in self._session.signatures:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{spec.signature_name}" not found.')
        wanted = self._session.signatures[spec.signature_name].inputs
        if request.inputs.keys() != wanted.keys():
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{sorted(request.inputs)} != {sorted(wanted)}")
        for name, tensor in request.inputs.items():
            # A session in Python would convert it, a session in TensorFlow Serving does not.
            if tensor.dtype != wanted[name].dtype:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{name}: {tensor.dtype} != {wanted[name].dtype}")
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        outputs = self._session.call(spec.signature_name, inputs)
        return PredictResponse(outputs={name: tf.make_tensor_proto(value) for name, value in outputs.items()})


class PredictionServer:
    """A server that runs.

    Attributes:
      address: `127.0.0.1:PORT`.
    """

    def __init__(self, address: str, service: _PredictionService) -> None:
        self.address = address
        self._service = service

    @property
    def requests(self) -> list[PredictRequest]:
        """Every request that came, in order."""
        return self._service.requests


@contextmanager
def predicting(name: str, version: int, directory: Path) -> Iterator[PredictionServer]:
    """Serves a SavedModel on a free port of this machine."""
    with ServingSession(directory) as session:
        service = _PredictionService(name, version, session)
        server = grpc.server(ThreadPoolExecutor(2))
        add_PredictionServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield PredictionServer(f"127.0.0.1:{port}", service)
        finally:
            server.stop(grace=None).wait()
