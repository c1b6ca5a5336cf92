"""Status and metadata, as TensorFlow Serving's protos have them; the page's files."""

import httpx
import pytest
from google.protobuf.json_format import Parse, ParseDict
from support.digits import Trained
from support.local_server import MODEL, LocalServer
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

from components.artifacts.loaded_model import LoadedModel

AVAILABLE = {"version": "7", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


@pytest.mark.parametrize("path", ["", "/versions/7"])
def test_the_status_says_which_version_answers(client: httpx.Client, path: str):
    answer = client.get(MODEL + path)

    assert answer.json() == {"model_version_status": [AVAILABLE]}
    assert answer.headers["content-type"] == "application/json"
    [status] = Parse(answer.text, GetModelStatusResponse()).model_version_status
    assert (status.version, status.state, status.status.error_code) == (7, 30, 0)


@pytest.mark.parametrize("path", ["/metadata", "/versions/7/metadata"])
def test_the_metadata_is_that_of_the_saved_model(client: httpx.Client, exported: Trained, path: str):
    answer = client.get(MODEL + path).json()

    assert answer["model_spec"] == {"name": "mnist-vae", "signature_name": "", "version": "7"}
    [graph] = SavedModel.FromString((exported.serving_model / "saved_model.pb").read_bytes()).meta_graphs
    expected = SignatureDefMap(signature_def=graph.signature_def)
    assert ParseDict(answer["metadata"]["signature_def"], SignatureDefMap()) == expected


def test_the_metadata_names_the_signatures_with_types_and_shapes(client: httpx.Client, model: LoadedModel):
    signatures = client.get(f"{MODEL}/metadata").json()["metadata"]["signature_def"]["signature_def"]

    assert signatures.keys() >= model.signatures.keys()
    assert signatures["reconstruct"]["method_name"] == "tensorflow/serving/predict"
    image = signatures["reconstruct"]["inputs"]["image"]
    assert image["dtype"] == "DT_FLOAT"
    assert [size["size"] for size in image["tensor_shape"]["dim"]] == ["-1", "28", "28", "1"]
    assert signatures["generate"]["inputs"]["count"]["tensor_shape"] == {"dim": [], "unknown_rank": False}


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/v1/models/other", "The model 'other' is not served here; 'mnist-vae' is."),
        ("/v1/models/mnist-vae/versions/8", "The model 'mnist-vae' has no version 8."),
        ("/v1/models/other/metadata", "The model 'other' is not served here; 'mnist-vae' is."),
        ("/v1/models/mnist-vae/versions/8/metadata", "Version 8 is not served; served now: 7."),
        ("/v1/models/mnist-vae/versions/x", "'x' is not a version."),
        (f"/v1/models/mnist-vae/versions/{'9' * 5000}", f"{'9' * 100!r} is not a version."),
        ("/v1/models", "Not Found"),
        ("/v1/models/mnist-vae/labels/x/metadata", "Not Found"),
        ("/v1/models/mnist-vae/extra", "Not Found"),
        ("/v2", "Not Found"),
    ],
)
def test_what_does_not_exist_is_404(server: LocalServer, path: str, error: str):
    answer = httpx.get(server.address + path)

    assert (answer.status_code, answer.json()) == (404, {"error": error})


@pytest.mark.parametrize("path", ["/", "/page/model.json", MODEL, f"{MODEL}/metadata"])
def test_head_answers_as_get_without_a_body(server: LocalServer, path: str):
    whole, head = httpx.get(server.address + path), httpx.head(server.address + path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


def test_the_page_and_its_files_ask_nothing_of_other_servers(server: LocalServer):
    for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
        answer = httpx.get(server.address + path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert "access-control-allow-origin" not in answer.headers


def test_the_page_learns_about_the_model_that_answers(server: LocalServer, model: LoadedModel):
    answer = httpx.get(f"{server.address}/page/model.json").json()

    assert (answer["name"], answer["version"], answer["latent_dim"]) == ("mnist-vae", 7, 4)
    assert answer["image_shape"] == list(model.image_shape)


def test_the_page_takes_no_other_methods(server: LocalServer):
    answer = httpx.post(server.address + "/")

    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
