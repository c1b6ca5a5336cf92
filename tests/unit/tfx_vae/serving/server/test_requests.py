"""JSON into tensors, as TensorFlow Serving's json_tensor_test.cc has it.

Which paths TensorFlow Serving knows; after its http_rest_api_handler_test.cc.
"""

import json
import math
from typing import Any

import numpy as np
import pytest

from components.artifacts.loaded_model import Signature, Tensor
from tfx_vae.serving.server.errors import RestError
from tfx_vae.serving.server.requests import Address, PredictRequest, parse_address, parse_object, read_predict_request


def read(body: str | dict[str, Any], **dtypes: str) -> PredictRequest:
    """Reads a body for a signature whose inputs have these types."""
    inputs = {name: Tensor(dtype, (None,)) for name, dtype in dtypes.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    return read_predict_request(parse_object(text.encode()), {"serving_default": Signature(inputs, {})})


def refusal(body: str | dict[str, Any], **dtypes: str) -> str:
    with pytest.raises(RestError) as refused:
        read(body, **dtypes)
    assert refused.value.status == 400
    return str(refused.value)


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


def test_columns_may_have_any_shapes_and_others_than_asked_for_are_ignored():
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
        ({"inputs": {"text": [{"b64": "aGVsbG8"}, {"b64": " aGVs\nbG8= "}, {"b64": ""}]}}, [b"hello", b"hello", b""]),
    ],
)
def test_strings_are_bytes_in_utf8_or_in_base64(body: dict[str, Any], bytes_: Any):
    assert read(body, text="string").inputs["text"].tolist() == bytes_


def test_numbers_are_rounded_to_the_type_and_infinite_beyond_it():
    values = read('{"inputs": [1435774380, 1435774380.0, 1e300, -1e300, 1e-300, 3]}', x="float32").inputs["x"]

    assert values.dtype == np.float32
    assert values.tolist() == [1435774336.0, 1435774336.0, math.inf, -math.inf, 0.0, 3.0]


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (1.0, "int32", "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        (2**31, "int32", "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
        (-1, "uint32", "is not of expected type: uint32"),
        ("x", "float32", 'JSON Value: "x" Type: String is not of expected type: float'),
        (True, "float32", "JSON Value: true Type: True is not of expected type: float"),
        (None, "float32", "JSON Value: null Type: Null is not of expected type: float"),
        ({"b64": "aGVsbG8="}, "float32", "Type: Object is not of expected type: float"),
        (1, "string", "JSON Value: 1 Type: Number is not of expected type: string"),
        (1, "bool", "is not of expected type: bool"),
        ({"b64": "a"}, "string", "Unable to base64 decode"),
        ({"b64": "ä==="}, "string", "Unable to base64 decode"),
        ({"b64": 3}, "string", "not formatted correctly for base64 data"),
    ],
)
def test_a_value_of_another_type_is_refused(value: Any, dtype: str, message: str):
    assert message in refusal({"inputs": {"x": [value]}}, x=dtype)
    # Among values of the right type it is found too.
    good = {"float32": 0.5, "int32": 1, "uint32": 1, "string": "a", "bool": False}[dtype]
    assert message in refusal({"inputs": {"x": [good, value, good]}}, x=dtype)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 2], [3]], "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ([[1, 2], 3], "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ([1, [2]], "Encountered list at unexpected level: 1 expected < 1"),
        ([[[1]], [2]], "JSON Value: 2 found at incorrect level: 3 in the JSON DOM. Expected at level: 3"),
        ([[], [1]], "Encountered list at unexpected size: 1 at level: 1 expected size: 0"),
    ],
)
def test_ragged_lists_are_refused(value: Any, message: str):
    assert message in refusal({"inputs": value}, x="float32")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("instances = [1, 2]", "JSON Parse error"),
        ('{"instances": [1, 2', "JSON Parse error"),
        ('{"instances": [nan]}', "JSON Parse error"),
        ('{"instances": [NaN, 1]', "JSON Parse error"),
        (f'{{"instances": {"[" * 5000}NaN{"]" * 5000}}}', "JSON Parse error"),
        (f'{{"instances": [{"9" * 400}, NaN]}}', "Number too big to be stored in double"),
        ("[1, 2]", "JSON Value: [1, 2] Is not object"),
        ('{"signature_name": 5, "instances": [1]}', "'signature_name' key must be a string value."),
        ('{"signature_name": "no", "instances": [1]}', 'Serving signature name: "no" not found in signature def'),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"instances": [1], "inputs": [1]}', "expecting only one of 'inputs' or 'instances' keys to exist"),
        ('{"instances": {"x": 1}}', "Expecting 'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        ('{"instances": [[1, 2], [3, 4], [5, 6, 7]]}', "element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting"),
        ('{"instances": [[1, 2], [3, 4], [[5, 6]]]}', "Expecting shape [2] but got: [1,2]"),
        ('{"instances": [1, [1]]}', "Expecting shape [] but got: [1]"),
        ('{"instances": [[1, 2], ["a", "b"]]}', "not of expected type: float"),
        ('{"instances": [[1], {"x": [2]}]}', "Expecting value/list but got object at item 1 of input list"),
        ('{"instances": [{"x": 1}, [2]]}', "Expecting object but got list at item 1 of input list"),
        ('{"instances": [{"y": 1}]}', "JSON object: does not have named input: y"),
        ('{"instances": [{}]}', "JSON object: {} keys must be equal to: x"),
        ('{"inputs": {"y": 1}}', "Missing named input: x in 'inputs' object."),
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused_in_its_words(body: str, message: str):
    assert message in refusal(body, x="float32")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"instances": [1]}', "instances is a plain list, but expecting list of objects as multiple input tensors required"),
        ('{"inputs": [1]}', "inputs is a plain value/list, but expecting an object as multiple input tensors required"),
        ('{"instances": [{"x": 1}]}', "element: 0 of 'instances' list. JSON object: {\"x\": 1} keys must be equal to: x,y"),
    ],
)
def test_several_inputs_need_their_names(body: str, message: str):
    assert message in refusal(body, y="float32", x="float32")


def test_an_error_quotes_no_more_than_the_beginning():
    message = refusal({"instances": list(range(100_000)), "inputs": 1}, x="float32")
    assert len(message) < 500


def test_bytes_that_are_no_utf8_are_refused():
    with pytest.raises(RestError, match="JSON Parse error"):
        parse_object(b'{"instances": ["\xff"]}')
    with pytest.raises(RestError, match="JSON Parse error"):
        parse_object(b'{"instances": ["\xff", NaN]}')


@pytest.mark.parametrize(
    ("method", "path", "address"),
    [
        ("GET", "/v1/models/digits", Address("digits", None, None, "status")),
        ("GET", "/v1/models/digits/versions/12", Address("digits", 12, None, "status")),
        ("GET", "/v1/models/digits/labels/stable", Address("digits", None, "stable", "status")),
        ("GET", "/v1/models/digits/metadata", Address("digits", None, None, "metadata")),
        ("GET", "/v1/models/digits/versions/12/metadata", Address("digits", 12, None, "metadata")),
        ("POST", "/v1/models/digits:predict", Address("digits", None, None, "predict")),
        ("POST", "/v1/models/digits/versions/12:predict", Address("digits", 12, None, "predict")),
        ("POST", "/v1/models/digits/labels/stable:regress", Address("digits", None, "stable", "regress")),
        ("POST", "/v1/models/digits:classify", Address("digits", None, None, "classify")),
        ("POST", "/V1/Models/Digits:predict", Address("Digits", None, None, "predict")),
        ("POST", "/v1/models/my%20digits/labels/a%2Fb:predict", Address("my digits", None, "a/b", "predict")),
        ("GET", f"/v1/models/digits/versions/{2**63 - 1}", Address("digits", 2**63 - 1, None, "status")),
    ],
)
def test_a_path_names_model_version_and_method(method: str, path: str, address: Address):
    assert parse_address(method, path) == address


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/v1/foo", "Malformed request: GET /v1/foo"),
        ("POST", "/v1/foo", "Malformed request"),
        ("GET", "/v1/models", "Missing model name in request."),
        ("GET", "/v1/models/debug/digits", "Malformed request"),
        ("POST", "/v1/models", "Malformed request"),
        ("GET", "/v1/models/foo:predict", "Malformed request"),
        ("GET", "/v1/models/foo/", "Malformed request"),
        ("POST", "/v1/models/foo/version/50:regress", "Malformed request"),
        ("POST", "/v1/models/foo/versions/HELLO:regress", "Malformed request"),
        ("POST", "/v1/models/foo/metadata", "Malformed request"),
        ("POST", "/v1/models/foo/versions/50/labels/some_label:regress", "Malformed request"),
        ("POST", "/v1/models/foo:PREDICT", "Malformed request"),
        ("POST", "/v1/models/foo", "Malformed request"),
        ("PUT", "/v1/models/foo:predict", "Malformed request: PUT"),
        ("DELETE", "/v1/models/foo", "Malformed request: DELETE"),
        ("POST", f"/v1/models/foo/versions/{2**64}:regress", f"Failed to convert version: {2**64} to numeric."),
    ],
)
def test_any_other_path_or_method_is_refused_in_its_words(method: str, path: str, message: str):
    with pytest.raises(RestError, match=message) as refused:
        parse_address(method, path)
    assert refused.value.status == 400
