"""Requests that the model cannot answer."""

import base64
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support.local_server import MODEL


def refusal(client: httpx.Client, body: Any, method: str = "predict", model: str = MODEL) -> tuple[int, str]:
    answer = client.post(f"{model}:{method}", content=json.dumps(body))
    assert answer.json().keys() == {"error"}
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["error"]


def example(image: bytes) -> dict[str, str]:
    """A serialized tf.Example of an image file."""
    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.append(image)
    return {"b64": base64.b64encode(example.SerializeToString()).decode()}


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("no", [1], "The model has no signature 'no'"),
        ("decode", [[1, 2, 3]], "Input latent has shape [1,3], but signature decode takes [-1,4]."),
        ("decode", [1, 2, 3, 4], "Input latent has shape [4], but signature decode takes [-1,4]."),
        ("reconstruct", [[[0.5]]], "Input image has shape [1,1,1], but signature reconstruct takes [-1,28,28,1]."),
        ("reconstruct", 0.5, "Input image has shape [], but"),
        ("generate", {"count": [3], "seed": [0, 1]}, "Input count has shape [1], but signature generate takes []."),
        ("generate", {"count": 3, "seed": [0, 1, 2]}, "Input seed has shape [3], but signature generate takes [2]."),
        ("generate", {"count": 3.0, "seed": [0, 1]}, "Input count has values that are not of type int32."),
        ("generate", {"count": -1, "seed": [0, 1]}, "Input count is -1, but must not be negative."),
        ("generate", {"seed": [0, 1]}, "'inputs' has no count."),
        ("serving_default", ["hello"], "Could not parse example input, value: 'hello'"),
    ],
)
def test_inputs_that_the_signature_does_not_take(client: httpx.Client, signature: str, inputs: Any, message: str):
    status, error = refusal(client, {"signature_name": signature, "inputs": inputs})

    assert status == 400
    assert message in error


@pytest.mark.parametrize(
    ("signature", "inputs", "asked"),
    [
        ("generate", {"count": 1_000_000_000, "seed": [0, 1]}, "instances 1, count 1,000,000,000"),
        ("generate", {"count": 2675, "seed": [0, 1]}, "instances 1, count 2,675"),
        ("decode", [[0, 0, 0, 0]] * 2675, "instances 2,675"),
        ("evaluate_iw_nll", {"examples": [""] * 10, "samples": 1000}, "instances 10, samples 1,000"),
    ],
)
def test_more_images_than_fit_are_refused(client: httpx.Client, signature: str, inputs: Any, asked: str):
    status, error = refusal(client, {"signature_name": signature, "inputs": inputs})

    assert status == 400
    assert error == f"The request makes more than 2,674 images, the limit of this server ({asked})."


def test_steps_count_for_every_pair_of_images(client: httpx.Client):
    images = np.zeros((20, 28, 28, 1)).tolist()
    inputs = {"start": images, "end": images, "steps": 134}

    assert "(instances 20, steps 134)" in refusal(client, {"signature_name": "interpolate", "inputs": inputs})[1]


@pytest.mark.parametrize(("kind", "side", "count"), [("PNG", 8200, 1), ("PNG", 4800, 3), ("GIF", 8200, 1), ("PNG", 14_000, 1)])
def test_images_that_become_huge_when_decoded_are_refused(client: httpx.Client, kind: str, side: int, count: int):
    file = io.BytesIO()
    Image.new("1", (side, side)).save(file, kind)
    status, error = refusal(client, {"instances": [example(file.getvalue())] * count})

    assert status == 400
    assert error == "The decoded images have more than 67 million pixels in all: scale them down."


def test_bytes_that_are_not_an_image_are_refused_by_the_model(client: httpx.Client):
    status, error = refusal(client, {"instances": [example(b"no image")]})

    assert status == 400
    assert "Unknown image file format" in error


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_no_signature_classifies_or_regresses(client: httpx.Client, method: str):
    status, error = refusal(client, {"examples": [{"x": 1}]}, method)

    assert status == 400
    assert "use predict" in error


@pytest.mark.parametrize("method", ["predict", "classify", "regress"])
def test_another_model_or_version(client: httpx.Client, method: str):
    body = {"instances": [1]}

    assert refusal(client, body, method, "/v1/models/half") == (404, "The model 'half' is not served here; 'mnist-vae' is.")
    assert refusal(client, body, method, f"{MODEL}/versions/99") == (404, "Version 99 is not served; served now: 7.")


def test_half_a_character_in_a_name_is_refused_and_not_sent_back(client: httpx.Client):
    # Python's own parser, which reads NaN, lets it through; orjson does not.
    body = r'{"signature_name": "\ud800", "inputs": [NaN]}'
    answer = client.post(f"{MODEL}:predict", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The model has no signature ")
