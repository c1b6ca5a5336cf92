"""Tensors into JSON, as TensorFlow Serving's json_tensor_test.cc has it."""

import json

import numpy as np
import pytest

from components.artifacts.loaded_model import Array
from tfx_vae.serving.server.answers import write_predict_answer
from tfx_vae.serving.server.errors import RestError


def rows(**outputs: Array) -> object:
    return json.loads(write_predict_answer(outputs, has_rows=True))


def columns(**outputs: Array) -> object:
    return json.loads(write_predict_answer(outputs, has_rows=False))


def test_the_only_output_has_no_name():
    matrix = np.array([[1, 2], [3, 4]], np.int32)

    assert rows(numbers=matrix) == {"predictions": [[1, 2], [3, 4]]}
    assert columns(numbers=matrix) == {"outputs": [[1, 2], [3, 4]]}
    assert columns(number=np.array(7, np.int32)) == {"outputs": 7}


def test_several_outputs_are_objects():
    outputs = {
        "real": np.array([[1.5], [2.5]], np.float32),
        "score": np.array([8.0, 9.0], np.float64),
        "text": np.array([[b"foo", b"bar"], [b"baz", "ö".encode()]], object),
        "text_bytes": np.array([b"hello", b"\xff"], object),
    }
    assert rows(**outputs) == {
        "predictions": [
            {"real": [1.5], "score": 8.0, "text": ["foo", "bar"], "text_bytes": {"b64": "aGVsbG8="}},
            {"real": [2.5], "score": 9.0, "text": ["baz", "ö"], "text_bytes": {"b64": "/w=="}},
        ]
    }
    assert columns(**outputs) == {
        "outputs": {
            "real": [[1.5], [2.5]],
            "score": [8.0, 9.0],
            "text": [["foo", "bar"], ["baz", "ö"]],
            "text_bytes": [{"b64": "aGVsbG8="}, {"b64": "/w=="}],
        }
    }


def test_floats_are_as_short_as_they_can_be_and_always_decimal():
    values = np.array([0.1, 1.0, 999999.0, 555557.5], np.float32)

    assert write_predict_answer({"x": values}, has_rows=True) == b'{"predictions":[0.1,1.0,999999.0,555557.5]}'


def test_numbers_that_are_not_finite_are_written_as_javascript_has_them():
    values = np.array([[np.nan, np.inf], [0.1, -np.inf]], np.float32)

    text = write_predict_answer({"x": values}, has_rows=True)
    assert text.decode().replace(" ", "") == '{"predictions":[[NaN,Infinity],[0.1,-Infinity]]}'
    both = write_predict_answer({"x": values, "n": np.array([1, 2])}, has_rows=True)
    assert both.decode().replace(" ", "") == '{"predictions":[{"x":[NaN,Infinity],"n":1},{"x":[0.1,-Infinity],"n":2}]}'


def test_an_array_that_lies_otherwise_in_memory_is_written_row_by_row():
    assert columns(x=np.arange(6).reshape(2, 3).T) == {"outputs": [[0, 3], [1, 4], [2, 5]]}


def test_no_rows_are_an_empty_list():
    assert rows(x=np.zeros((0, 3), np.float32)) == {"predictions": []}
    assert rows(x=np.zeros((0, 3)), y=np.zeros((0, 2, 2))) == {"predictions": []}


def test_rows_must_be_as_many_in_every_output():
    with pytest.raises(RestError, match="Tensor name: y has inconsistent batch size: 1 expecting: 2"):
        rows(x=np.zeros((2, 3)), y=np.zeros((1, 3)))
    with pytest.raises(RestError, match="Tensor name: x has no shape information"):
        rows(x=np.array(1))
