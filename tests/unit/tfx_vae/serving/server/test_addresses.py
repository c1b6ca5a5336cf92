"""Which paths TensorFlow Serving knows; after its http_rest_api_handler_test.cc."""

import pytest

from tfx_vae.serving.server.rest_api.addresses import Address, parse_address
from tfx_vae.serving.server.rest_api.errors import RestError


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
