"""Registers the version that a run pushed in a Kubeflow Model Registry, if `pusher.model_registry` names one.

Not with the registry's own client: each of its releases speaks one version of the API, and registries of both are in use.
"""

import http.client
import json
import logging
import math
import urllib.error
import urllib.request
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlencode

from components.artifacts.serving_directory import PUSHED_DESTINATION
from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.notification import describe_run, outputs_of_run

_VERSIONS: Final = ("v1alpha3", "v1")
"""Of the API; what this calls is the same in both."""
_TIMEOUT_SECONDS: Final = 30
_log = logging.getLogger(__name__)


def register_version(config: PipelineConfig, run_id: str) -> None:
    """Registers what a run pushed, with its metrics; nothing if it pushed nothing, or its version is registered already.

    A registry that does not answer is a warning in the log: the version is served all the same.

    Args:
      config: The configuration of the run.
      run_id: The run, whose Pusher has ended.
    """
    address = config.pusher.model_registry
    if address is None:
        return
    try:
        found = describe_run(config, run_id)
        if found["version"] is not None:
            _register(config, address, run_id, found)
    except (OSError, http.client.HTTPException, ValueError, KeyError, PipelineError) as error:
        _log.warning("The version that was pushed is not registered in %s: %s", address, error)


def _register(config: PipelineConfig, address: str, run_id: str, found: dict[str, Any]) -> None:
    api = _api(address)
    name, version = config.name, str(found["version"])
    model = _get(f"{api}/registered_model", name=name) or _post(f"{api}/registered_models", name=name)
    registered = _get(f"{api}/model_version", name=version, parentResourceId=model["id"]) or _post(
        f"{api}/model_versions", name=version, registeredModelId=model["id"], customProperties=_properties(found["metrics"])
    )
    artifacts = f"{api}/model_versions/{registered['id']}/artifacts"
    if (_get(artifacts) or {}).get("items"):
        return
    push = outputs_of_run(config, run_id)["PushedModel"]
    _post(
        artifacts,
        artifactType="model-artifact",
        name=name,
        uri=_uri(config, push.custom_properties[PUSHED_DESTINATION].string_value),
        modelFormatName="tensorflow",
        modelFormatVersion="2",
        modelSourceKind="tfx",
        modelSourceClass="pipelinerun",
        modelSourceGroup=name,
        modelSourceId=run_id,
    )


def _api(address: str) -> str:
    """The address of the API, in the version that the registry has.

    Raises:
      PipelineError: It has none.
    """
    for version in _VERSIONS:
        api = f"{address}/api/model_registry/{version}"
        if _get(f"{api}/registered_models", pageSize="1") is not None:
            return api
    raise PipelineError(f"it has no API {' or '.join(_VERSIONS)}; is it a Kubeflow Model Registry?")


def _properties(metrics: dict[str, float]) -> dict[str, Any]:
    finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
    return {name: {"metadataType": "MetadataDoubleValue", "double_value": value} for name, value in finite.items()}


def _uri(config: PipelineConfig, destination: str) -> str:
    """Where a version lies, in KServe's notation if it is on Kubeflow's volume."""
    if "://" in destination:
        return destination
    path, mount = PurePosixPath(destination), config.kubeflow.mount_path
    if config.kubeflow.volume_claim is not None and path.is_relative_to(mount):
        return f"pvc://{config.kubeflow.volume_claim}/{path.relative_to(mount)}"
    return path.as_uri()


def _get(url: str, **query: str) -> dict[str, Any] | None:
    """What there is; None if there is nothing."""
    try:
        return _call(urllib.request.Request(f"{url}?{urlencode(query)}" if query else url))
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.NOT_FOUND:
            raise
        return None


def _post(url: str, **body: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    return _call(urllib.request.Request(url, json.dumps(body).encode(), headers))


def _call(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
