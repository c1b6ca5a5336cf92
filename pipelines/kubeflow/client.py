"""The connection to Kubeflow Pipelines: opens it, says in one sentence what went wrong, uploads what was compiled."""

import contextlib
import datetime
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.errors import ConfigurationError, PipelineError

if TYPE_CHECKING:
    from pipelines.config import PipelineConfig

ENDPOINT_VARIABLE: Final = "KF_PIPELINES_ENDPOINT"
NAMESPACE_VARIABLE: Final = "KF_PIPELINES_NAMESPACE"
TOKEN_VARIABLE: Final = "KF_PIPELINES_TOKEN"


@dataclass(frozen=True)
class Connection:
    """How to reach Kubeflow Pipelines.

    Attributes:
      endpoint: Its address; None asks the environment, the cluster, kubectl's configuration, as the KFP SDK does.
      namespace: The profile's namespace; None is what KFP's own configuration says, or none.
      token: A bearer token; None sends none, or what KFP's own configuration has.
      timeout_seconds: How long to wait for an answer.
    """

    endpoint: str | None = None
    namespace: str | None = None
    token: str | None = None
    timeout_seconds: float = 60

    def __repr__(self) -> str:
        """Without the token."""
        return f"Connection({self.endpoint}, {self.namespace})"


@contextmanager
def connected(connection: Connection) -> Iterator[Any]:
    """Opens a client.

    Yields:
      A `kfp.Client` that waits only so long, and prints nothing.

    Raises:
      PipelineError: Kubeflow Pipelines cannot be reached, or refuses what was asked; the message says why, without the token.
    """
    # KFP prints links and warnings, and logs what it also raises.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _silent_logging():
        warnings.simplefilter("ignore")
        try:
            from pipelines.kubeflow.private_kfp import open_client

            yield open_client(connection.endpoint, connection.token, connection.namespace, connection.timeout_seconds)
        except Exception as error:
            raise (explained(error, connection) or error) from error


def is_undecided(error: BaseException) -> bool:
    """Whether Kubeflow may have done what it was asked for although the answer was an error, or there was none."""
    status = getattr(error, "status", None)
    return not isinstance(status, int) or status >= 500


@contextmanager
def _silent_logging() -> Iterator[None]:
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(previous)


def explained(error: Exception, connection: Connection) -> PipelineError | None:
    """The sentence for what the client raised; None for other exceptions."""
    where = f"Kubeflow Pipelines at {connection.endpoint}" if connection.endpoint else "Kubeflow Pipelines"
    package = type(error).__module__.partition(".")[0]
    if package == "kfp_server_api" and isinstance(status := getattr(error, "status", None), int):
        return _explain_status(status, _server_message(error), where)
    if package == "urllib3":
        cause = getattr(error, "reason", None) or error
        if "Timeout" in type(cause).__name__ and "Connect" not in type(cause).__name__:
            return PipelineError(
                f"{where} did not answer within {connection.timeout_seconds:g} seconds: try again, or raise "
                "kubeflow.timeout_seconds."
            )
        return PipelineError(f"{where} cannot be reached: is --endpoint right, and is `kubectl port-forward` still running?")
    return None


def _explain_status(status: int, message: str, where: str) -> PipelineError:
    said = f" It says: {message}" if message else ""
    match status:
        case 0:
            return PipelineError(f"{where} cannot be reached safely: fix its certificate, or use the right address.{said}")
        case 401 | 403:
            return ConfigurationError(
                f"{where} refuses access ({status}): put a valid token into {TOKEN_VARIABLE}, and set the --namespace.{said}"
            )
        case 404:
            return PipelineError(f"{where} does not have what was asked for (404): is this the address of its API?{said}")
        case 409:
            return PipelineError(f"{where} already has something of that name (409): try again, or remove it there.{said}")
        case 400:
            return PipelineError(f"{where} rejects the request (400).{said}")
    return PipelineError(f"{where} failed ({status}): try again, or look at its log (deployment ml-pipeline).{said}")


def _server_message(error: Any) -> str:
    """What the server gave as its reason, in one line."""
    try:
        body = json.loads(error.body)
        text = body.get("message") or body.get("error_message") or body.get("error") or ""
    except (TypeError, ValueError, AttributeError):
        text = error.reason or ""
    return " ".join(str(text).split())[:500]


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
        raise PipelineError(f"Kubeflow has {len(found)} pipelines named {name}: delete all but one there.")
    if not found:
        pipeline = client.upload_pipeline(str(package), pipeline_name=name, namespace=namespace)
        [version] = everything(client.list_pipeline_versions, "pipeline_versions", pipeline_id=pipeline.pipeline_id)
    else:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
        # A name of a Kubernetes object, which a version is if KFP keeps its pipelines in Kubernetes.
        version = client.upload_pipeline_version(str(package), f"{name}-{now}", pipeline_id=found[0].pipeline_id)
    return Version(version.pipeline_id, version.pipeline_version_id, version.display_name)


def experiment_name(config: "PipelineConfig") -> str:
    """The experiment of a pipeline's runs."""
    return config.kubeflow.experiment or config.name


def experiment_of(client: Any, config: "PipelineConfig") -> str:
    """The id of the pipeline's experiment, which is made if there is none."""
    name = experiment_name(config)
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
