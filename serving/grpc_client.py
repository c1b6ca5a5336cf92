"""Sends requests to a served model over gRPC: one function for each signature, from reading the image to reading the answer.

::

    python serving/grpc_client.py reconstruct
    python serving/grpc_client.py serving_default --image digit.png --server example.org:8500 --model mnist-ae

Does not need this project, only tensorflow, tensorflow-serving-api, numpy and click.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import grpc
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

Array = NDArray[Any]
Answer = dict[str, Array]

IMAGES: Final = Path(__file__).parent / "images"


class Server:
    """A model on a server with TensorFlow Serving's gRPC API."""

    def __init__(self, address: str, model: str, version: int | None = None, seconds: float = 30.0) -> None:
        """Prepares requests without sending any.

        Args:
          address: `host:port`.
          model: Its name in models.config.
          version: None for the newest.
          seconds: Time limit of a request.
        """
        # An answer with many images is larger than gRPC's default limit of 4 MB.
        self._channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
        self._service = PredictionServiceStub(self._channel)
        self._model, self._version, self._seconds = model, version, seconds

    def predict(self, signature: str, **inputs: Any) -> Answer:
        """Sends a request to a signature.

        Args:
          signature: Its name.
          inputs: By name, with exactly the types of the signature: the server converts none.

        Raises:
          grpc.RpcError: The server refused, or cannot be reached.
        """
        request = PredictRequest(inputs={name: tf.make_tensor_proto(value) for name, value in inputs.items()})
        request.model_spec.name = self._model
        request.model_spec.signature_name = signature
        if self._version is not None:
            request.model_spec.version.value = self._version
        response = self._service.Predict(request, timeout=self._seconds)
        return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


def read_image(path: Path) -> Array:
    """An image file as float32 [1, height, width, channels] in [0, 1]; it must have the size of the training images."""
    pixels = tf.io.decode_image(path.read_bytes(), expand_animations=False).numpy()
    return (pixels / np.float32(255)).astype(np.float32)[np.newaxis]


def read_example(path: Path) -> Array:
    """An unchanged image file in a serialized tf.Example: bytes [1]."""
    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.append(path.read_bytes())
    return np.array([example.SerializeToString()], dtype=object)


def serving_default(server: Server, path: Path) -> Answer:
    """Reconstruction, code and score of an image file; the score is the negative ELBO in nats."""
    return server.predict("serving_default", examples=read_example(path))


def reconstruct(server: Server, path: Path) -> Answer:
    """The decoded code of an image."""
    return server.predict("reconstruct", image=read_image(path))


def encode(server: Server, path: Path) -> Answer:
    """The mean of the posterior and, for a VAE, its log variance: float32 [1, L]."""
    return server.predict("encode", image=read_image(path))


def decode(server: Server, path: Path) -> Answer:
    """The image of a code; here the code of another image."""
    code = server.predict("encode", image=read_image(path))["latent_mean"]
    return server.predict("decode", latent=code)


def generate(server: Server, _path: Path) -> Answer:
    """Four images drawn from the prior; the same seed draws the same ones."""
    return server.predict("generate", count=np.int32(4), seed=np.array([0, 42], np.int32))


def generate_at_temperature(server: Server, _path: Path) -> Answer:
    """Four images drawn from the prior, with 0.8 times the usual noise."""
    return server.predict(
        "generate_at_temperature", count=np.int32(4), seed=np.array([0, 42], np.int32), temperature=np.float32(0.8)
    )


def generate_labelled(server: Server, _path: Path) -> Answer:
    """Four sevens; only of models whose training images have labels."""
    return server.predict(
        "generate_labelled",
        count=np.int32(4),
        seed=np.array([0, 42], np.int32),
        label=np.int64(7),
        temperature=np.float32(0.8),
    )


def interpolate(server: Server, path: Path) -> Answer:
    """Five images on the straight line between the codes of an image and of a 2."""
    return server.predict("interpolate", start=read_image(path), end=read_image(IMAGES / "2.png"), steps=np.int32(5))


def evaluate(server: Server, path: Path) -> Answer:
    """The losses of an image file in nats, its similarity to its reconstruction, and its code."""
    return server.predict("evaluate", examples=read_example(path))


def evaluate_binarized(server: Server, path: Path) -> Answer:
    """The losses of a black and white version of an image file."""
    return server.predict("evaluate_binarized", examples=read_example(path))


def evaluate_iw_nll(server: Server, path: Path) -> Answer:
    """The negative importance-weighted bound on log p(x), from 64 codes; VAE only."""
    return server.predict("evaluate_iw_nll", examples=read_example(path), samples=np.int32(64))


def evaluate_iw_nll_binarized(server: Server, path: Path) -> Answer:
    """The same for a black and white version."""
    return server.predict("evaluate_iw_nll_binarized", examples=read_example(path), samples=np.int32(64))


def evaluate_samples(server: Server, path: Path) -> Answer:
    """The pixels of an image file, and an image drawn from the prior."""
    return server.predict("evaluate_samples", examples=read_example(path))


SIGNATURES: Final[dict[str, Callable[[Server, Path], Answer]]] = {
    function.__name__: function
    for function in (
        serving_default,
        reconstruct,
        encode,
        decode,
        generate,
        generate_at_temperature,
        generate_labelled,
        interpolate,
        evaluate,
        evaluate_binarized,
        evaluate_iw_nll,
        evaluate_iw_nll_binarized,
        evaluate_samples,
    )
}


@click.command()
@click.argument("signature", type=click.Choice(list(SIGNATURES)))
@click.option(
    "--image", default=IMAGES / "7.png", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PNG or JPEG."
)
@click.option("--server", "address", default="localhost:8500", show_default=True, help="host:port")
@click.option("--model", default="mnist-vae", show_default=True, help="Its name in models.config.")
@click.option("--version", type=int, help="Of the model. Default: the newest.")
def main(signature: str, image: Path, address: str, model: str, version: int | None) -> None:
    """Send an image to SIGNATURE of the model, and print the answer."""
    server = Server(address, model, version)
    try:
        answer = SIGNATURES[signature](server, image)
    except grpc.RpcError as error:
        raise click.ClickException(_sentence(error, address)) from error
    finally:
        server.close()
    for name, values in sorted(answer.items()):
        click.echo(f"{name}: {values.dtype} {list(values.shape)}, {_glimpse(values)}")


def _glimpse(values: Array) -> str:
    """The first numbers, or the range of the pixels of an image."""
    if values.ndim > 2:
        return f"from {values.min():.4f} to {values.max():.4f}"
    return ", ".join(f"{value:.4f}" for value in values.ravel()[:4]) + (", ..." if values.size > 4 else "")


def _sentence(error: Any, address: str) -> str:
    if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return (
            f"No TensorFlow Serving answers at {address} ({error.code().name}): start it (docker compose -f "
            "serving/docker-compose.yml up --wait), or name another with --server. tfx-vae serve has REST only."
        )
    return f"The server at {address} refuses ({error.code().name}): {error.details()}"


if __name__ == "__main__":
    main()
