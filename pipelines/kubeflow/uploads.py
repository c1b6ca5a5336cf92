"""Brings the compiled pipeline to Kubeflow: one pipeline, a new version each time."""

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from components.errors import PipelineError

_PAGE: Final = 100
_EQUALS: Final = 1


@dataclass(frozen=True)
class Version:
    """A version of a pipeline, as Kubeflow has it."""

    pipeline_id: str
    version_id: str
    name: str


def upload(client: Any, name: str, package: Path) -> Version:
    """Uploads a compiled pipeline as a new version; the pipeline is made if there is none of that name.

    Args:
      client: From `connected`.
      name: Of the pipeline.
      package: The compiled pipeline.

    Raises:
      PipelineError: There are two pipelines of that name.
    """
    namespace = client.get_user_namespace() or None
    found = list(everything(client.list_pipelines, "pipelines", filter=equals("display_name", name), namespace=namespace))
    if len(found) > 1:
        raise PipelineError(f"Kubeflow has {len(found)} pipelines of the name {name}: delete all but one of them there.")
    if not found:
        pipeline = client.upload_pipeline(str(package), pipeline_name=name, namespace=namespace)
        [version] = everything(client.list_pipeline_versions, "pipeline_versions", pipeline_id=pipeline.pipeline_id)
    else:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        version = client.upload_pipeline_version(str(package), f"{name} {now}", pipeline_id=found[0].pipeline_id)
    return Version(version.pipeline_id, version.pipeline_version_id, version.display_name)


def experiment_of(client: Any, name: str) -> str:
    """The id of an experiment, which is made if there is none of that name."""
    return str(client.create_experiment(name, namespace=client.get_user_namespace() or None).experiment_id)


def everything(list_: Callable[..., Any], attribute: str, **query: Any) -> Iterator[Any]:
    """All pages of a listing of the KFP client."""
    token = ""
    while True:
        page = list_(page_token=token, page_size=_PAGE, **query)
        yield from getattr(page, attribute) or []
        token = page.next_page_token or ""
        if not token:
            return


def equals(key: str, value: str) -> str:
    """A filter as the API takes it."""
    return json.dumps({"predicates": [{"operation": _EQUALS, "key": key, "stringValue": value}]})
