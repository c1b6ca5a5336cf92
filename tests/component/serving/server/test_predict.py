"""What the server answers is what the model answers, in both formats of TensorFlow Serving's REST API."""

import base64
import gzip
import json
from typing import Any

import httpx
import numpy as np
import pytest
from support.local_server import MODEL, PREDICT

from components.artifacts.loaded_model import LoadedModel


def b64(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


def predict(client: httpx.Client, **body: Any) -> Any:
    answer = client.post(PREDICT, content=json.dumps(body))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def assert_same(found: Any, expected: np.ndarray) -> None:
    """Bit for bit: what was computed is the same, and nothing is lost in decimals."""
    np.testing.assert_array_equal(np.array(found, np.float32), expected)


def test_a_column_request_gets_every_output_whole(client: httpx.Client, model: LoadedModel, pixels: np.ndarray):
    expected = model.call("encode", image=pixels)
    answer = predict(client, signature_name="encode", inputs={"image": pixels.tolist()})

    assert answer.keys() == {"outputs"}
    assert answer["outputs"].keys() == expected.keys()
    for name, output in expected.items():
        assert_same(answer["outputs"][name], output)


def test_a_row_request_gets_a_row_for_each_instance(client: httpx.Client, model: LoadedModel, pixels: np.ndarray):
    expected = model.call("encode", image=pixels)
    answer = predict(client, signature_name="encode", instances=[{"image": image.tolist()} for image in pixels])

    assert [row.keys() for row in answer["predictions"]] == [expected.keys()] * 3
    for name, output in expected.items():
        assert_same([row[name] for row in answer["predictions"]], output)


def test_one_input_and_one_output_go_without_names(client: httpx.Client, model: LoadedModel, pixels: np.ndarray):
    expected = model.call("reconstruct", image=pixels)["reconstruction"]

    assert_same(predict(client, signature_name="reconstruct", instances=pixels.tolist())["predictions"], expected)
    assert_same(predict(client, signature_name="reconstruct", inputs=pixels.tolist())["outputs"], expected)


@pytest.mark.parametrize("has_name", [True, False])
def test_the_default_signature_takes_examples_in_base64(
    client: httpx.Client, model: LoadedModel, examples: list[bytes], has_name: bool
):
    expected = model.call("serving_default", examples=examples)
    rows = [{"examples": b64(example)} if has_name else b64(example) for example in examples]

    for body in ({"instances": rows}, {"instances": rows, "signature_name": "serving_default"}):
        predictions = predict(client, **body)["predictions"]
        for name, output in expected.items():
            assert_same([row[name] for row in predictions], output)


def test_inputs_that_are_not_batches_need_the_column_format(client: httpx.Client, model: LoadedModel):
    expected = model.call("generate", count=5, seed=[3, 4])["image"]

    assert_same(predict(client, signature_name="generate", inputs={"count": 5, "seed": [3, 4]})["outputs"], expected)
    rows = {"signature_name": "generate", "instances": [{"count": 5, "seed": [3, 4]}]}
    refused = client.post(PREDICT, content=json.dumps(rows))
    assert refused.status_code == 400
    assert "send the request in the column format" in refused.json()["error"]


def test_batches_and_scalars_go_together_in_the_column_format(client: httpx.Client, model: LoadedModel, pixels: np.ndarray):
    expected = model.call("interpolate", start=pixels[:2], end=pixels[1:], steps=3)["image"]
    inputs = {"start": pixels[:2].tolist(), "end": pixels[1:].tolist(), "steps": 3}

    assert_same(predict(client, signature_name="interpolate", inputs=inputs)["outputs"], expected)


def test_a_code_that_is_not_finite_gives_an_image_that_is_not(client: httpx.Client):
    answer = client.post(PREDICT, content='{"signature_name": "decode", "inputs": [[NaN, 0, 0, 0], [0, 0, 0, 0]]}')

    images = np.array(answer.json()["outputs"])
    assert np.isnan(images[0]).all()
    assert np.isfinite(images[1]).all()


def test_an_empty_request_gets_an_empty_answer(client: httpx.Client):
    assert predict(client, signature_name="generate", inputs={"count": 0, "seed": [0, 0]}) == {"outputs": []}
    assert predict(client, inputs=[]) == {"outputs": {"reconstruction": [], "latent_mean": [], "score": []}}


def test_a_version_can_be_asked_for_by_its_number(client: httpx.Client):
    body = '{"signature_name": "decode", "inputs": [[0, 0, 0, 0]]}'

    assert client.post(f"{MODEL}/versions/7:predict", content=body).json() == client.post(PREDICT, content=body).json()
    refused = client.post(f"{MODEL}/versions/6:predict", content=body)
    assert (refused.status_code, refused.json()) == (404, {"error": "Version 6 is not served; served now: 7."})


def test_the_body_may_be_compressed_and_of_any_content_type(client: httpx.Client):
    body = b'{"signature_name": "decode", "inputs": [[0, 0, 0, 0]]}'
    packed = client.post(PREDICT, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    typed = client.post(PREDICT, content=body, headers={"Content-Type": "text/plain"})

    assert packed.json() == typed.json() == client.post(PREDICT, content=body).json()
