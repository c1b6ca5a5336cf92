"""The outputs of a model as JSON."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from starlette.exceptions import HTTPException

from components.artifacts.loaded_model import Array
from tfx_vae.serving.server.answers import describe, write_predict_answer


def rows(**outputs: Any) -> object:
    return json.loads(write_predict_answer(outputs, has_rows=True))


def columns(**outputs: Any) -> object:
    return json.loads(write_predict_answer(outputs, has_rows=False))


def test_the_only_output_has_no_name():
    matrix = np.array([[1, 2], [3, 4]], np.int32)

    assert rows(numbers=matrix) == {"predictions": [[1, 2], [3, 4]]}
    assert columns(numbers=matrix) == {"outputs": [[1, 2], [3, 4]]}
    assert columns(number=np.array(7, np.int32)) == {"outputs": 7}


def test_several_outputs_are_objects():
    outputs = {"real": np.array([[1.5], [2.5]], np.float32), "score": np.array([8.0, 9.0], np.float64)}

    assert rows(**outputs) == {"predictions": [{"real": [1.5], "score": 8.0}, {"real": [2.5], "score": 9.0}]}
    assert columns(**outputs) == {"outputs": {"real": [[1.5], [2.5]], "score": [8.0, 9.0]}}


def test_floats_are_as_short_as_possible_and_always_decimal():
    values = np.array([0.1, 1.0, 999999.0, 555557.5], np.float32)

    assert write_predict_answer({"x": values}, has_rows=True) == b'{"predictions":[0.1,1.0,999999.0,555557.5]}'


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_not_finite_are_written_as_in_javascript(dtype: type):
    values: Any = np.array([[np.nan, np.inf], [0.5, -np.inf]], dtype)

    text = write_predict_answer({"x": values}, has_rows=True)
    assert text.decode().replace(" ", "") == '{"predictions":[[NaN,Infinity],[0.5,-Infinity]]}'
    both = write_predict_answer({"x": values, "n": np.array([1, 2]), "y": values[:, 1]}, has_rows=True)
    assert both.decode().replace(" ", "") == (
        '{"predictions":[{"x":[NaN,Infinity],"n":1,"y":Infinity},{"x":[0.5,-Infinity],"n":2,"y":-Infinity}]}'
    )


def test_an_array_with_another_memory_layout_is_written_row_by_row():
    assert columns(x=np.arange(6).reshape(2, 3).T) == {"outputs": [[0, 3], [1, 4], [2, 5]]}


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (2, 3, 1), (2, 3, 4, 1), (2, 1, 1, 1), (0, 3, 1), (2, 0, 1), (2, 3, 3)])
def test_images_are_written_as_by_orjson_with_any_number_of_channels(shape: tuple[int, ...]):
    pixels: Any = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    score = np.arange(shape[0], dtype=np.float32)
    written = orjson.dumps(pixels, option=orjson.OPT_SERIALIZE_NUMPY)

    assert write_predict_answer({"image": pixels}, has_rows=True) == b'{"predictions":' + written + b"}"
    assert write_predict_answer({"image": pixels, "score": score}, has_rows=False) == (
        b'{"outputs":{"image":' + written + b',"score":' + orjson.dumps(score.tolist()) + b"}}"
    )
    assert rows(image=pixels, score=score) == {
        "predictions": [{"image": image, "score": float(n)} for n, image in enumerate(json.loads(written))]
    }


def test_no_rows_are_an_empty_list():
    assert rows(x=np.zeros((0, 3), np.float32)) == {"predictions": []}
    assert rows(x=np.zeros((0, 3)), y=np.zeros((0, 2, 2))) == {"predictions": []}


@pytest.mark.parametrize(
    "outputs", [{"x": np.zeros((2, 3)), "y": np.zeros((1, 3))}, {"x": np.array(1)}, {"x": np.zeros(1), "y": np.array(1)}]
)
def test_outputs_that_are_not_rows_are_refused(outputs: dict[str, Array]):
    with pytest.raises(HTTPException, match="in the column format") as refused:
        rows(**outputs)
    assert refused.value.status_code == 400


@pytest.mark.parametrize("channels", [2, 4])
def test_a_model_of_images_that_are_neither_grey_nor_rgb_has_no_page(channels: int):
    model: Any = SimpleNamespace(image_shape=(8, 8, channels))
    with pytest.raises(HTTPException, match=f"have {channels} channels: use the REST API") as refused:
        describe(model, "alpha", 1)
    assert refused.value.status_code == 501
