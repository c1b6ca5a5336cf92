"""The examples in serving/, sent as they lie there, get what the model itself answers."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image
from support.digits import PROJECT
from support.local_server import NAME, LocalServer
from support.prediction_service import PredictionServer

from components.artifacts.loaded_model import LoadedModel

SERVING = PROJECT / "serving"
SEVEN, TWO = SERVING / "images" / "7.png", SERVING / "images" / "2.png"
SIGNATURES = (
    "serving_default",
    "reconstruct",
    "encode",
    "decode",
    "generate",
    "generate_at_temperature",
    "generate_labelled",
    "interpolate",
    "evaluate",
    "evaluate_binarized",
    "evaluate_iw_nll",
    "evaluate_iw_nll_binarized",
    "evaluate_samples",
)


def grey(path: Path) -> np.ndarray:
    """A digit as float32 [1, 28, 28, 1] in [0, 1]."""
    with Image.open(path) as image:
        return (np.asarray(image, np.float32) / 255)[np.newaxis, :, :, np.newaxis]


def black_and_white(path: Path) -> np.ndarray:
    return np.round(grey(path))


def example(path: Path) -> bytes:
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(path.read_bytes())
    return bytes(made.SerializeToString())


@pytest.fixture
def asked_over_rest() -> dict[str, dict[str, Any]]:
    """What the bodies in serving/rest should say."""
    code = np.zeros((2, 32))
    code[1, :2] = 1, -1
    seven = {"examples": [example(SEVEN)]}
    return {
        "serving_default": seven,
        "reconstruct": {"image": black_and_white(SEVEN)},
        "encode": {"image": black_and_white(SEVEN)},
        "decode": {"latent": code},
        "generate": {"count": 2, "seed": [0, 42]},
        "generate_at_temperature": {"count": 2, "seed": [0, 42], "temperature": 0.8},
        "generate_labelled": {"count": 2, "seed": [0, 42], "label": 7, "temperature": 0.8},
        "interpolate": {"start": black_and_white(SEVEN), "end": black_and_white(TWO), "steps": 5},
        "evaluate": {"examples": [example(SEVEN), example(TWO)]},
        "evaluate_binarized": seven,
        "evaluate_iw_nll": {**seven, "samples": 64},
        "evaluate_iw_nll_binarized": {**seven, "samples": 64},
        "evaluate_samples": seven,
    }


@pytest.fixture
def asked_over_grpc(model: LoadedModel) -> dict[str, dict[str, Any]]:
    """What the functions of serving/grpc_client.py should say about a 7."""
    seven = {"examples": [example(SEVEN)]}
    return {
        "serving_default": seven,
        "reconstruct": {"image": grey(SEVEN)},
        "encode": {"image": grey(SEVEN)},
        "decode": {"latent": model.call("encode", image=grey(SEVEN))["latent_mean"]},
        "generate": {"count": 4, "seed": [0, 42]},
        "generate_at_temperature": {"count": 4, "seed": [0, 42], "temperature": 0.8},
        "generate_labelled": {"count": 4, "seed": [0, 42], "label": 7, "temperature": 0.8},
        "interpolate": {"start": grey(SEVEN), "end": grey(TWO), "steps": 5},
        "evaluate": seven,
        "evaluate_binarized": seven,
        "evaluate_iw_nll": {**seven, "samples": 64},
        "evaluate_iw_nll_binarized": {**seven, "samples": 64},
        "evaluate_samples": seven,
    }


def predict(server: str, signature: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Calls the script as a user does."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    return subprocess.run(
        [SERVING / "rest" / "predict.sh", signature],
        env={**os.environ, "SERVER": server, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def by_output(answer: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    """The outputs by name, whichever format the answer has; the only one has no name."""
    [(key, content)] = answer.items()
    if len(outputs) == 1:
        return {outputs[0]: content}
    if key == "outputs":
        return content
    return {name: [row[name] for row in content] for name in outputs}


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_signature_has_an_example(model: LoadedModel, grpc_client: ModuleType):
    assert {path.stem for path in (SERVING / "rest").glob("*.json")} == model.signatures.keys()
    assert grpc_client.SIGNATURES.keys() == model.signatures.keys()
    assert set(SIGNATURES) == model.signatures.keys()


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_rest_example_gets_what_the_model_answers(
    rest_server: LocalServer, model: LoadedModel, asked_over_rest: dict[str, dict[str, Any]], signature: str
):
    called = predict(rest_server.address, signature)

    assert called.returncode == 0, called
    expected = model.call(signature, **asked_over_rest[signature])
    found = by_output(json.loads(called.stdout), list(expected))
    assert found.keys() == expected.keys()
    for name, output in expected.items():
        np.testing.assert_array_equal(np.array(found[name], np.float32), output)


def test_a_refusal_over_rest_is_printed_and_has_an_exit_status(rest_server: LocalServer):
    called = predict(rest_server.address, "generate", MODEL="other")

    assert called.returncode != 0
    assert json.loads(called.stdout) == {"error": "The model 'other' is not served here; 'mnist-vae' is."}


def test_an_unknown_signature_is_answered_with_the_known_ones():
    called = predict("http://127.0.0.1:1", "reconstruction")

    assert called.returncode == 2
    assert set(called.stderr.partition("one of: ")[2].split()) == set(SIGNATURES)


def check_health(script: Path, port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([script, str(port)], capture_output=True, text=True, timeout=60, check=False)


def test_a_server_is_healthy_while_every_model_answers(rest_server: LocalServer, tmp_path: Path):
    assert check_health(SERVING / "health_check.sh", rest_server.port).returncode == 0

    shutil.copy(SERVING / "health_check.sh", tmp_path)
    configuration = (SERVING / "models.config").read_text()
    (tmp_path / "models.config").write_text(configuration + configuration.replace("mnist-vae", "other"))
    checked = check_health(tmp_path / "health_check.sh", rest_server.port)
    assert (checked.returncode, checked.stderr) == (1, f"other does not answer on port {rest_server.port}\n")


def test_a_server_that_is_not_there_is_not_healthy():
    assert check_health(SERVING / "health_check.sh", unused_port()).returncode != 0


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_grpc_example_gets_what_the_model_answers(
    grpc_server: PredictionServer,
    grpc_client: ModuleType,
    model: LoadedModel,
    asked_over_grpc: dict[str, dict[str, Any]],
    signature: str,
):
    server = grpc_client.Server(grpc_server.address, NAME)
    found = grpc_client.SIGNATURES[signature](server, SEVEN)
    server.close()

    expected = model.call(signature, **asked_over_grpc[signature])
    assert found.keys() == expected.keys()
    for name, output in expected.items():
        assert found[name].dtype == output.dtype
        # One runs the graph in a session, the other calls a function.
        np.testing.assert_allclose(found[name], output, rtol=1e-4, atol=1e-5)
    assert grpc_server.requests[-1].model_spec.signature_name == signature


def test_a_version_can_be_asked_for_over_grpc(grpc_server: PredictionServer, grpc_client: ModuleType):
    grpc_client.encode(grpc_client.Server(grpc_server.address, NAME, version=7), SEVEN)

    with pytest.raises(grpc.RpcError) as refused:
        grpc_client.encode(grpc_client.Server(grpc_server.address, NAME, version=6), SEVEN)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_the_grpc_client_prints_each_output_with_its_type_and_shape(grpc_server: PredictionServer, grpc_client: ModuleType):
    called = CliRunner().invoke(grpc_client.main, ["encode", "--server", grpc_server.address, "--image", str(TWO)])

    assert called.exit_code == 0, called.output
    outputs = [line.rpartition("],")[0] + "]" for line in called.output.splitlines()]
    assert outputs == ["latent_log_variance: float32 [1, 32]", "latent_mean: float32 [1, 32]"]


def test_a_server_that_cannot_be_reached_over_grpc_is_one_sentence(grpc_client: ModuleType):
    address = f"127.0.0.1:{unused_port()}"
    called = CliRunner().invoke(grpc_client.main, ["generate", "--server", address])

    assert called.exit_code == 1
    assert called.output.startswith(f"Error: No TensorFlow Serving answers at {address} (UNAVAILABLE): start it")
    assert called.output.count("\n") == 1


def test_a_refusal_over_grpc_is_one_sentence(grpc_server: PredictionServer, grpc_client: ModuleType):
    called = CliRunner().invoke(grpc_client.main, ["generate", "--server", grpc_server.address, "--model", "other"])

    assert called.exit_code == 1
    assert called.output == (
        f"Error: The server at {grpc_server.address} refuses (NOT_FOUND): Servable not found for request: Latest(other)\n"
    )
