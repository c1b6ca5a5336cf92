"""JSON bodies as the inputs of a model."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from components.artifacts.loaded_model import Signature, Tensor
from tfx_vae.serving.server.regular_lists import parse_regular
from tfx_vae.serving.server.requests import PredictRequest, parse_object, read_predict_request


def read(body: str | dict[str, Any], **dtypes: str) -> PredictRequest:
    """Reads a body for a signature whose inputs have these types."""
    inputs = {name: Tensor(dtype, (None,)) for name, dtype in dtypes.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    return read_predict_request(parse_object(text.encode()), {"serving_default": Signature(inputs, {})})


def refusal(body: str | dict[str, Any], **dtypes: str) -> str:
    with pytest.raises(HTTPException) as refused:
        read(body, **dtypes)
    assert refused.value.status_code == 400
    assert len(refused.value.detail) < 500
    return refused.value.detail


def test_the_only_input_needs_no_name_in_either_format():
    rows = read({"instances": [[1, 2], [3, 4], [5, 6]]}, numbers="int32")
    column = read({"inputs": [[1, 2], [3, 4], [5, 6]]}, numbers="int32")

    for request in (rows, column):
        assert request.inputs["numbers"].tolist() == [[1, 2], [3, 4], [5, 6]]
        assert request.inputs["numbers"].dtype == np.int32
    assert (rows.has_rows, column.has_rows) == (True, False)


def test_rows_of_several_inputs_become_a_tensor_each():
    request = read(
        '{"instances": ['
        '{"whole": [[1, 2], [3, 4]], "text": ["foo", "bar"], "real": [1.0, NaN]},'
        '{"text": ["baz", "bat"], "whole": [[7, 8], [9, 0]], "real": [2.0, -Infinity]}]}',
        whole="int32",
        text="string",
        real="float32",
    )
    assert request.inputs["whole"].tolist() == [[[1, 2], [3, 4]], [[7, 8], [9, 0]]]
    assert request.inputs["text"].tolist() == [[b"foo", b"bar"], [b"baz", b"bat"]]
    np.testing.assert_array_equal(request.inputs["real"], np.array([[1, math.nan], [2, -math.inf]], np.float32))


def test_columns_may_have_any_shapes_and_other_inputs_are_ignored():
    request = read({"inputs": {"count": 3, "seed": [1, 2], "other": "x"}}, count="int32", seed="int32")

    assert {name: value.tolist() for name, value in request.inputs.items()} == {"count": 3, "seed": [1, 2]}
    assert request.inputs["count"].shape == ()


@pytest.mark.parametrize(
    ("body", "bytes_"),
    [
        ({"instances": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]}, [b"hello", b"world"]),
        ({"instances": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}, [[b"hello"], [b"world"]]),
        ({"instances": [{"text": {"b64": "aGVsbG8="}}, {"text": "wörld"}]}, [b"hello", "wörld".encode()]),
        ({"inputs": {"b64": "aGVsbG8="}}, b"hello"),
        ({"inputs": {"text": [{"b64": "aGVsbG8="}, {"b64": ""}]}}, [b"hello", b""]),
        ({"inputs": []}, []),
    ],
)
def test_strings_are_text_or_bytes_in_base64(body: dict[str, Any], bytes_: Any):
    assert read(body, text="string").inputs["text"].tolist() == bytes_


_NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.just(True))
_LISTS = st.recursive(_NUMBERS, lambda inner: st.lists(inner, max_size=3).map(lambda some: some * 2), max_leaves=12)


@given(_LISTS, st.sampled_from(["instances", "inputs", "signature_name", "other"]), st.data())
@settings(deadline=None, max_examples=500)
def test_numbers_are_read_as_by_orjson_and_numpy_also_where_the_text_is_damaged(value: Any, key: str, data: st.DataObject):
    text = json.dumps(
        {key: value, "more": data.draw(st.sampled_from([None, "[1]", 0]))}, indent=data.draw(st.none() | st.just(1))
    )
    for _ in range(data.draw(st.integers(0, 2))):
        place, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 2))
        text = text[:place] + data.draw(st.text("[]{}, 01-.e", max_size=2)) + text[place + length :]
    found = parse_regular(text.encode(), ("instances", "inputs"))
    if found is None:
        return
    expected = orjson.loads(text)
    assert found.keys() == expected.keys()
    for name, one in found.items():
        if isinstance(one, np.ndarray):
            wanted = np.array(expected[name])
            assert (one.dtype, one.shape, one.tolist()) == (wanted.dtype, wanted.shape, wanted.tolist())
        else:
            assert one == expected[name]


def test_pixels_are_read_as_an_array():
    pixels = np.random.default_rng(0).random((3, 4, 2, 1), np.float32)
    for key in ("instances", "inputs"):
        found = parse_regular(json.dumps({"signature_name": "reconstruct", key: pixels.tolist()}).encode(), (key,))
        assert found is not None
        np.testing.assert_array_equal(found[key], pixels, strict=False)


def test_numbers_are_rounded_to_the_type_and_infinite_beyond_it():
    values = read('{"inputs": [1435774380, 1435774380.0, 1e300, -1e300, 1e-300, 3]}', x="float32").inputs["x"]

    assert values.dtype == np.float32
    assert values.tolist() == [1435774336.0, 1435774336.0, math.inf, -math.inf, 0.0, 3.0]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.0, "int32"),
        (2**31, "int32"),
        (2**70, "int32"),
        (-1, "uint32"),
        ("x", "float32"),
        (None, "float32"),
        ({"b64": "aGVsbG8="}, "float32"),
        (1, "string"),
        (1, "bool"),
        ({"b64": "a"}, "string"),
        ({"b64": "ä==="}, "string"),
        ({"b64": 3}, "string"),
    ],
)
def test_a_value_of_another_type_is_refused(value: Any, dtype: str):
    good = {"float32": 0.5, "int32": 1, "uint32": 1, "string": "a", "bool": False}[dtype]
    for values in ([value], [good, value, good]):
        assert refusal({"inputs": {"x": values}}, x=dtype).startswith("Input x ")


@pytest.mark.parametrize("value", [[[1, 2], [3]], [[1, 2], 3], [1, [2]], [[[1]], [2]], [[], [1]], [[1], "a"]])
@pytest.mark.parametrize("dtype", ["float32", "string"])
def test_lists_of_different_lengths_are_refused(value: Any, dtype: str):
    assert refusal({"inputs": value}, x=dtype).startswith("Input x ")
    assert refusal({"instances": value}, x=dtype).startswith("Input x ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "is not JSON"),
        ("instances = [1, 2]", "is not JSON"),
        ('{"instances": [1, 2', "is not JSON"),
        ('{"instances": [nan]}', "is not JSON"),
        ('{"instances": [NaN, 1]', "is not JSON"),
        ("[1, 2]", "is not a JSON object"),
        ('{"signature_name": 5, "instances": [1]}', "has no signature '5'; it has serving_default"),
        ('{"signature_name": "no", "instances": [1]}', "has no signature 'no'; it has serving_default"),
        ("{}", "either 'instances', a list of rows, or 'inputs'"),
        ('{"instances": [1], "inputs": [1]}', "either 'instances', a list of rows, or 'inputs'"),
        ('{"instances": {"x": 1}}', "must be a list with at least one row"),
        ('{"instances": []}', "must be a list with at least one row"),
        ('{"instances": [{"x": 1}, [2]]}', "Row 1 of 'instances' must be an object with exactly the inputs x"),
        ('{"instances": [{"y": 1}]}', "Row 0 of 'instances' must be an object with exactly the inputs x"),
        ('{"inputs": {"y": 1}}', "'inputs' has no x."),
    ],
)
def test_a_malformed_request_is_refused_with_the_reason(body: str, message: str):
    assert message in refusal(body, x="float32")


@pytest.mark.parametrize("body", ['{"instances": [1]}', '{"inputs": [1]}'])
def test_several_inputs_need_their_names(body: str):
    assert "need their names: y, x" in refusal(body, y="float32", x="float32")


@pytest.mark.parametrize("body", [b'{"instances": ["\xff"]}', b'{"instances": ["\xff", NaN]}'])
def test_bytes_that_are_not_utf8_are_refused(body: bytes):
    with pytest.raises(HTTPException, match="is not JSON"):
        parse_object(body)


@pytest.fixture
def deep_parser() -> Iterator[None]:
    """As on Python 3.13, whose JSON parser takes thousands of nested lists."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("deep_parser")
@pytest.mark.parametrize("depth", [33, 65, 1000, 5000])
@pytest.mark.parametrize("dtype", ["float32", "string"])
@pytest.mark.parametrize("lists", ["{}NaN{}", "[], {}NaN{}", "NaN, {}1{}", "[1], {}1{}"])
def test_deeply_nested_lists_are_refused(depth: int, dtype: str, lists: str):
    nested = lists.format("[" * depth, "]" * depth)
    for body in (f'{{"instances": [{nested}]}}', f'{{"inputs": {{"x": [{nested}]}}}}', f'{{"signature_name": [{nested}]}}'):
        refusal(body, x=dtype)


def test_deeply_nested_lists_are_refused_by_our_own_limit():
    assert "more than 32 lists inside each other" in refusal(f'{{"inputs": {"[" * 33}1{"]" * 33}}}', x="float32")
    assert read(f'{{"inputs": {"[" * 32}1{"]" * 32}}}', x="float32").inputs["x"].ndim == 32


NAMES = st.sampled_from(["x", "count", "b64", ""])
TEXTS = st.sampled_from(["", "x", "two", "ä", "aGVsbG8=", "\ud800"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from([2**63, 2**64]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=20,
)
ROWS = VALUES | st.lists(st.fixed_dictionaries({"x": VALUES, "count": VALUES}))
SIGNATURES = {
    "serving_default": Signature({"examples": Tensor("string", (None,))}, {}),
    "two": Signature({"x": Tensor("float32", (None, 2)), "count": Tensor("int32", ())}, {}),
    "flag": Signature({"x": Tensor("bool", ())}, {}),
}
NAME = st.sampled_from([*SIGNATURES, ""]) | VALUES
DOCUMENTS = st.fixed_dictionaries({}, optional={"signature_name": NAME, "instances": ROWS, "inputs": ROWS})


@settings(deadline=None)
@given(DOCUMENTS)
def test_any_json_is_read_or_refused(document: dict[str, Any]):
    try:
        request = read_predict_request(parse_object(json.dumps(document).encode()), SIGNATURES)
    except HTTPException as refused:
        assert refused.status_code == 400
        return
    wanted = SIGNATURES[request.signature].inputs
    for name, tensor in wanted.items():
        assert request.inputs[name].dtype == (object if tensor.dtype == "string" else tensor.dtype)


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes):
    try:
        assert isinstance(parse_object(body), dict)
    except HTTPException as refused:
        assert refused.status_code == 400
