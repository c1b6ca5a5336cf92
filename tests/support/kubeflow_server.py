"""Kubeflow Pipelines' API on loopback: refuses what its OpenAPI models do not allow, keeps state, and fails when told to."""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api
import yaml

PREFIX = "/apis/v2beta1"
TOKEN = "s3cret-t0ken"
PAGE = 2
"""Far fewer than are asked for, so that a client has to turn pages."""


@dataclass
class Failure:
    """What happens to a request of a kind.

    Attributes:
      method: Of the request.
      path: A regular expression for the end of its path.
      status: What is answered; 0 never answers.
      after: Whether the request is carried out all the same.
      message: What the answer says.
      skip: How many such requests are answered before.
    """

    method: str
    path: str
    status: int
    after: bool = False
    message: str = "told to fail"
    skip: int = 0


@dataclass
class KubeflowServer:
    """What the server has, for tests to look at.

    Attributes:
      endpoint: Its address.
      pipelines, versions, experiments, runs, schedules: By id, in the shape of the API.
      logs: What pods printed, by the name of the pod.
      objects: What is in Kubeflow's object store, by bucket and key.
      failures: What goes wrong next; each is used once.
      requests: Method and path of all that was asked.
      most_enabled: How many schedules ever were enabled at one time.
    """

    endpoint: str = ""
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    most_enabled: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def enabled(self) -> list[dict[str, Any]]:
        return [schedule for schedule in self.schedules.values() if schedule["status"] == "ENABLED"]


class RefusedError(Exception):
    """A request that the API does not allow."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def kubeflow_server() -> Iterator[KubeflowServer]:
    state = KubeflowServer()

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: KubeflowServer

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""

    def _handle(self) -> None:
        state = self.server_state
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = parts.path.removeprefix(PREFIX)
        state.requests.append((self.command, path))
        failure = next(
            (item for item in state.failures if item.method == self.command and re.search(f"{item.path}$", path)), None
        )
        if failure is not None and failure.skip > 0:
            failure.skip, failure = failure.skip - 1, None
        try:
            if self.headers.get("Authorization") not in (None, f"Bearer {TOKEN}"):
                raise RefusedError(401, "the token is not valid")
            if failure is not None:
                state.failures.remove(failure)
                if failure.after:
                    self._answer(path, parts.query, body)
                if failure.status == 0:
                    state.closing.wait(30)
                    return
                raise RefusedError(failure.status, failure.message)
            if not parts.path.startswith(PREFIX):
                self._reply(200, _page_of_the_interface(state, path, parts.query))
                return
            self._reply(200, self._answer(path, parts.query, body))
        except RefusedError as refused:
            self._reply(refused.status, {"error": str(refused), "code": 13, "message": str(refused)})

    def _answer(self, path: str, query: str, body: bytes) -> dict[str, Any]:
        words = {name: values[0] for name, values in parse_qs(query).items()}
        for method, pattern, action in _ROUTES:
            match = re.fullmatch(pattern, path)
            if method == self.command and match:
                answer = action(self.server_state, words, body, *match.groups())
                self.server_state.most_enabled = max(self.server_state.most_enabled, len(self.server_state.enabled()))
                return answer
        raise RefusedError(404, f"there is no {self.command} {path}")

    def _reply(self, status: int, answer: dict[str, Any] | bytes) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, bytes) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def check_model(value: Any, type_: str, where: str = "body") -> None:
    """Refuses what an OpenAPI model of Kubeflow does not allow: unknown keys, and values of other types."""
    if inner := re.fullmatch(r"list\[(.*)\]", type_):
        _require(isinstance(value, list), where, type_)
        for item in value:
            check_model(item, inner[1], where)
    elif inner := re.fullmatch(r"dict\(str, (.*)\)", type_):
        _require(isinstance(value, dict), where, type_)
        for key, item in value.items():
            check_model(item, inner[1], f"{where}.{key}")
    elif type_ in ("object", "datetime"):
        return
    elif type_ in ("str", "bool", "int", "float"):
        # Go's JSON takes 1 for "1" where a 64-bit integer is meant, and the KFP client sends it so.
        allowed = {"str": (str, int), "bool": (bool,), "int": (int,), "float": (int, float)}[type_]
        _require(isinstance(value, allowed), where, type_)
    else:
        model = getattr(kfp_server_api.models, type_)
        if not model.openapi_types:
            _require(value in model.allowable_values, where, type_)
            return
        _require(isinstance(value, dict), where, type_)
        keys = {key: name for name, key in model.attribute_map.items()}
        for key, item in value.items():
            _require(key in keys, f"{where}.{key}", type_)
            check_model(item, model.openapi_types[keys[key]], f"{where}.{key}")


def _require(allowed: bool, where: str, type_: str) -> None:
    if not allowed:
        raise RefusedError(400, f"{where} does not fit {type_}")


def _parse(body: bytes, type_: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(body)
    check_model(value, type_)
    return value


def _page(items: list[dict[str, Any]], name: str, words: dict[str, str]) -> dict[str, Any]:
    for predicate in json.loads(words.get("filter") or "{}").get("predicates", []):
        check_model(predicate["key"], "str")
        _require(predicate["operation"] == 1, "filter", "EQUALS")
        items = [item for item in items if item.get(predicate["key"]) == predicate["stringValue"]]
    start = int(words.get("page_token") or 0)
    size = min(PAGE, int(words.get("page_size") or PAGE))
    page: dict[str, Any] = {name: items[start : start + size], "total_size": len(items)}
    return page | ({"next_page_token": str(start + size)} if start + size < len(items) else {})


def _uploaded(body: bytes) -> dict[str, Any]:
    """The pipeline spec in a multipart body, as the server reads it."""
    text = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0].decode()
    document: dict[str, Any] = next(iter(yaml.safe_load_all(text)))
    if document.get("schemaVersion") != "2.1.0":
        raise RefusedError(400, "only pipeline spec 2.1.0 is accepted")
    return document


def _new_version(state: KubeflowServer, pipeline: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    if any(version["display_name"] == name and version["pipeline_id"] == pipeline for version in state.versions.values()):
        raise RefusedError(409, f"there is a version {name}")
    version: dict[str, Any] = {
        "pipeline_id": pipeline,
        "pipeline_version_id": str(uuid.uuid4()),
        "display_name": name,
        "pipeline_spec": spec,
    }
    state.versions[version["pipeline_version_id"]] = version
    return version


def _upload(state: KubeflowServer, words: dict[str, str], body: bytes) -> dict[str, Any]:
    if any(pipeline["display_name"] == words["name"] for pipeline in state.pipelines.values()):
        raise RefusedError(409, f"there is a pipeline {words['name']}")
    pipeline = {"pipeline_id": str(uuid.uuid4()), "display_name": words["name"], "namespace": words.get("namespace", "")}
    _new_version(state, pipeline["pipeline_id"], words["name"], _uploaded(body))
    state.pipelines[pipeline["pipeline_id"]] = pipeline
    return pipeline


def _upload_version(state: KubeflowServer, words: dict[str, str], body: bytes) -> dict[str, Any]:
    _known(state.pipelines, words["pipelineid"])
    return _new_version(state, words["pipelineid"], words["name"], _uploaded(body))


def _create(kind: str, type_: str, id_name: str) -> Callable[..., dict[str, Any]]:
    def create(state: KubeflowServer, words: dict[str, str], body: bytes) -> dict[str, Any]:
        del words
        made = _parse(body, type_) | {id_name: str(uuid.uuid4()), "created_at": "2026-01-31T00:00:00Z"}
        if "pipeline_version_reference" in made:
            _known(state.experiments, made["experiment_id"])
            _known(state.versions, made["pipeline_version_reference"]["pipeline_version_id"])
        if "mode" in made:
            made["status"] = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[made["mode"]]
        # The real server answers as a 64-bit integer travels in JSON.
        made |= {key: str(made[key]) for key in ("max_concurrency",) if key in made}
        getattr(state, kind)[made[id_name]] = made
        return made

    return create


def _list(kind: str, name: str, parent: str = "") -> Callable[..., dict[str, Any]]:
    def list_(state: KubeflowServer, words: dict[str, str], body: bytes, *path: str) -> dict[str, Any]:
        del body
        wanted = path[0] if path else words.get(parent)
        items = [item for item in getattr(state, kind).values() if not wanted or item.get(parent) == wanted]
        return _page(items, name, words)

    return list_


def _delete(kind: str) -> Callable[..., dict[str, Any]]:
    def delete(state: KubeflowServer, words: dict[str, str], body: bytes, *path: str) -> dict[str, Any]:
        del words, body
        _known(getattr(state, kind), path[-1])
        del getattr(state, kind)[path[-1]]
        return {}

    return delete


def _switch(state: KubeflowServer, words: dict[str, str], body: bytes, schedule: str, verb: str) -> dict[str, Any]:
    del words, body
    _known(state.schedules, schedule)
    state.schedules[schedule]["status"] = f"{verb.upper()}D"
    return {}


def _known(table: dict[Any, Any], id_: Any) -> None:
    if id_ not in table:
        raise RefusedError(404, f"{id_} is not found")


def _get(kind: str) -> Callable[..., dict[str, Any]]:
    def get(state: KubeflowServer, words: dict[str, str], body: bytes, *path: str) -> dict[str, Any]:
        del words, body
        _known(getattr(state, kind), path[-1])
        found: dict[str, Any] = getattr(state, kind)[path[-1]]
        return found

    return get


def _page_of_the_interface(state: KubeflowServer, path: str, query: str) -> bytes:
    """What the user interface adds to the API, with the parameters that it requires."""
    words = {name: values[0] for name, values in parse_qs(query).items()}
    if path == "/k8s/pod/logs":
        _known(state.logs, words["podname"])
        _known(state.runs, words["runid"])
        return state.logs[words["podname"]].encode()
    if path == "/artifacts/get" and words["source"] in ("minio", "s3", "gcs"):
        _known(state.objects, (words["bucket"], words["key"]))
        return state.objects[words["bucket"], words["key"]]
    raise RefusedError(404, f"there is no {path}")


_ROUTES: list[tuple[str, str, Callable[..., dict[str, Any]]]] = [
    ("GET", "/healthz", lambda state, words, body: {"multi_user": False}),
    ("GET", "/pipelines", _list("pipelines", "pipelines")),
    ("POST", "/pipelines/upload", _upload),
    ("POST", "/pipelines/upload_version", _upload_version),
    ("GET", "/pipelines/([^/]+)/versions", _list("versions", "pipeline_versions", "pipeline_id")),
    ("GET", "/pipelines/([^/]+)/versions/([^/]+)", _get("versions")),
    ("DELETE", "/pipelines/([^/]+)/versions/([^/]+)", _delete("versions")),
    ("GET", "/experiments", _list("experiments", "experiments")),
    ("POST", "/experiments", _create("experiments", "V2beta1Experiment", "experiment_id")),
    ("GET", "/runs", _list("runs", "runs", "experiment_id")),
    ("GET", "/runs/([^/]+)", _get("runs")),
    ("POST", "/runs", _create("runs", "V2beta1Run", "run_id")),
    ("GET", "/recurringruns", _list("schedules", "recurringRuns", "experiment_id")),
    ("POST", "/recurringruns", _create("schedules", "V2beta1RecurringRun", "recurring_run_id")),
    ("DELETE", "/recurringruns/([^/:]+)", _delete("schedules")),
    ("POST", "/recurringruns/([^/:]+):(enable|disable)", _switch),
]
