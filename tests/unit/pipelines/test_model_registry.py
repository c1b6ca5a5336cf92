"""What is registered in a Kubeflow Model Registry: a server that takes what the models of its API allow."""

import json
import logging
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.history import History

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig, validate
from pipelines.model_registry import _uri, register_version

mr_openapi = pytest.importorskip("mr_openapi")


class Registry(ThreadingHTTPServer):
    """Knows one version of the API, and keeps what it is sent by kind."""

    def __init__(self, version: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.prefix = f"/api/model_registry/{version}/"
        self.kept: dict[str, list[dict[str, Any]]] = {"registered_models": [], "model_versions": [], "artifacts": []}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path, query = url.path.removeprefix(self.server.prefix), {key: value[0] for key, value in parse_qs(url.query).items()}
        kept = self.server.kept
        if path == "registered_models" or re.fullmatch(r"model_versions/\d+/artifacts", path):
            items = [item for item in kept[path.rpartition("/")[2]] if item["of"] == path]
            return self.answer(200, {"items": items, "size": len(items), "pageSize": 0, "nextPageToken": ""})
        if path not in ("registered_model", "model_version"):
            return self.answer(404, {})
        wanted = {"name": query["name"]} | ({"registeredModelId": query["parentResourceId"]} if path == "model_version" else {})
        found = [item for item in kept[f"{path}s"] if wanted.items() <= item.items()]
        return self.answer(200, found[0]) if found else self.answer(404, {"code": "", "message": "not found"})

    def do_POST(self) -> None:
        models = {
            "registered_models": mr_openapi.RegisteredModelCreate,
            "model_versions": mr_openapi.ModelVersionCreate,
            "artifacts": mr_openapi.ModelArtifactCreate,
        }
        kind = self.path.rpartition("/")[2]
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        body = models[kind].from_json(sent).to_dict()
        assert {key: body.get(key) for key in json.loads(sent)} == json.loads(sent)  # nothing that the API does not know
        items = self.server.kept[kind]
        items.append(body | {"id": str(len(items) + 1), "of": self.path.removeprefix(self.server.prefix)})
        self.answer(201, items[-1])

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(params=["v1alpha3", "v1"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with Registry(request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def config(root: Path, address: str) -> PipelineConfig:
    return validate({"name": "mnist-vae", "runtime": {"root": str(root)}, "pusher": {"model_registry": address}}, "test")


def test_a_pushed_version_is_registered_once_with_its_metrics_and_its_place(registry: Registry, tmp_path: Path):
    history = History(tmp_path)
    first, refused, second = history.run(elbo=95.0), history.run(blessed=False), history.run(elbo=90.0)

    for run in (first, first, refused, second):
        register_version(config(tmp_path, registry.address), run.id)

    [model] = registry.kept["registered_models"]
    assert (model["name"], model["id"]) == ("mnist-vae", "1")
    versions = sorted((tmp_path / "serving" / "mnist-vae").iterdir())
    assert [item["name"] for item in registry.kept["model_versions"]] == [path.name for path in versions]
    properties = registry.kept["model_versions"][0]["customProperties"]
    assert properties["negative_elbo"] == {"metadataType": "MetadataDoubleValue", "double_value": 95.0}
    artifacts = [(item["uri"], item["modelSourceId"]) for item in registry.kept["artifacts"]]
    assert artifacts == [(versions[0].as_uri(), first.id), (versions[1].as_uri(), second.id)]


def test_a_version_whose_registration_was_cut_short_is_completed(registry: Registry, tmp_path: Path):
    run = History(tmp_path).run()
    register_version(config(tmp_path, registry.address), run.id)
    registry.kept["artifacts"].clear()

    register_version(config(tmp_path, registry.address), run.id)

    assert [len(items) for items in registry.kept.values()] == [1, 1, 1]


def test_a_registry_that_is_not_there_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    run = History(tmp_path).run()
    with caplog.at_level(logging.WARNING):
        register_version(config(tmp_path, "http://127.0.0.1:9"), run.id)
    assert "is not registered in http://127.0.0.1:9: <urlopen error [Errno 111] Connection refused>" in caplog.text


def test_a_server_that_does_not_speak_http_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    class OtherProtocol(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"220 mail.example ready\r\n")
            self.close_connection = True

    run = History(tmp_path).run()
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherProtocol) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        register_version(config(tmp_path, f"http://127.0.0.1:{server.server_port}"), run.id)
        server.shutdown()
    assert "is not registered in http://127.0.0.1" in caplog.text


def test_an_address_with_a_path_is_refused_with_an_example(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="an address without a path, such as http://model-registry-service"):
        config(tmp_path, "registry:8080")


@pytest.mark.parametrize(
    ("destination", "uri"),
    [
        ("/mnt/tfx-vae/runs/serving/mnist-vae/7", "pvc://tfx-vae/runs/serving/mnist-vae/7"),
        ("/home/ada/runs/serving/mnist-vae/7", "file:///home/ada/runs/serving/mnist-vae/7"),
        ("gs://bucket/serving/mnist-vae/7", "gs://bucket/serving/mnist-vae/7"),
    ],
)
def test_a_version_on_the_volume_of_kubeflow_is_named_as_kserve_names_it(destination: str, uri: str, tmp_path: Path):
    assert _uri(config(tmp_path, "http://registry:8080"), destination) == uri
