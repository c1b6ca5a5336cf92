"""What is going on in Kubeflow: runs, the state and the log of each step, and the report.

Logs and reports come from Kubeflow's user interface. What the API says of Argo's nodes was read in the sources of KFP 2.5.0 to
2.17.0: a step is a node named as its task; its attempts are the nodes `executor` or `executor(0)`, `executor(1)`, ... below it.
"""

import datetime
import itertools
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from components.errors import ConfigurationError, PipelineError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.client import Connection, equals, everything, experiment_name

REPORT_LINE: Final = "Kubeflow keeps the report as "
"""And its URI: a line in the log of ModelReport."""
_ATTEMPT: Final = re.compile(r"executor(\(\d+\))?")
_LATEST: Final = "latest"


@dataclass(frozen=True)
class Run:
    """A run, as Kubeflow has it.

    Attributes:
      id: Kubeflow's, which is also its id in ML Metadata.
      name: As `submit` or a schedule named it.
      state: `RUNNING`, `SUCCEEDED`, `FAILED`, ...
      created: When it was created.
      error: Kubeflow's, if it gives one.
    """

    id: str
    name: str
    state: str
    created: datetime.datetime
    error: str


@dataclass(frozen=True)
class Step:
    """A step of a run.

    Attributes:
      name: Its component, as in the pipeline: `FeatureClassifier`.
      state: Of its last attempt, or of the step if there is none: `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED`, ...
      started: When it began; None if it has not.
      ended: When it ended; None if it has not.
      pods: One for each attempt, in their order.
    """

    name: str
    state: str
    started: datetime.datetime | None
    ended: datetime.datetime | None
    pods: tuple[str, ...]


def list_runs(client: Any, config: PipelineConfig) -> Iterator[Run]:
    """The runs in the pipeline's experiment, the newest first."""
    namespace = client.get_user_namespace() or None
    named = equals("display_name", experiment_name(config))
    for experiment in everything(client.list_experiments, "experiments", filter=named, namespace=namespace):
        query = {"experiment_id": experiment.experiment_id, "namespace": namespace}
        yield from (_run(item) for item in everything(client.list_runs, "runs", sort_by="created_at desc", **query))


def find_run(client: Any, config: PipelineConfig, word: str) -> Run:
    """The run that a person names: by its id or the beginning of it, or `latest`.

    Raises:
      ConfigurationError: There is none, or several.
    """
    runs = list_runs(client, config)
    found = list(itertools.islice(runs, 1)) if word == _LATEST else [run for run in runs if run.id.startswith(word)]
    if len(found) == 1:
        return found[0]
    if word == _LATEST:
        raise ConfigurationError(f"Kubeflow has no run of {config.name}: start one with `tfx-vae kubeflow submit`.")
    count = len(found) or "no"
    raise ConfigurationError(
        f"Kubeflow has {count} runs of {config.name} whose id begins with {word}: `tfx-vae kubeflow runs` lists them."
    )


def steps_of(client: Any, run: Run) -> list[Step]:
    """The steps of a run in the order in which they began; those that have not begun come last and are `PENDING`."""
    found = client.get_run(run.id)
    tasks = getattr(found.run_details, "task_details", None) or []
    by_name = {str(task.display_name): task for task in tasks}
    by_hash = {_hash(str(task.pod_name)): task for task in tasks}
    steps = [_step(name, by_name.get(key), by_hash) for key, name in _names(client, found).items()]
    return sorted(steps, key=lambda step: str(step.started or "not yet"))


def step_of(client: Any, run: Run, name: str | None) -> Step:
    """The step of a name; without one, the step that failed, or the last one that began.

    Raises:
      ConfigurationError: There is no such step.
    """
    steps = steps_of(client, run)
    if name is not None:
        found = [step for step in steps if step.name.lower() == name.lower()]
    else:
        begun = [step for step in steps if step.pods]
        found = [step for step in begun if step.state == "FAILED"] or begun[-1:]
    if not found:
        said = f"has no step {name}; it has {', '.join(step.name for step in steps)}" if name else "has not begun yet"
        raise ConfigurationError(f"Run {run.id} {said}.")
    return found[0]


def log_of(client: Any, connection: Connection, run: Run, step: Step) -> str:
    """What the last attempt of a step printed.

    Raises:
      ConfigurationError: The step has not begun.
      PipelineError: Kubeflow's user interface does not have it.
    """
    if not step.pods:
        raise ConfigurationError(f"{step.name} of run {run.id} has not begun.")
    query = {"podname": step.pods[-1], "runid": run.id, "createdat": f"{run.created:%Y-%m-%d}"}
    return _get(client, connection, "/k8s/pod/logs", query).decode("utf-8", "replace")


def report_of(client: Any, connection: Connection, run: Run, step: Step) -> bytes:
    """The page that ModelReport gave Kubeflow.

    Raises:
      PipelineError: The step's log does not say where Kubeflow keeps it, or it is not there.
    """
    found = re.search(rf"{re.escape(REPORT_LINE)}(\w+)://([^/\s]+)/(\S+)", log_of(client, connection, run, step))
    if found is None:
        raise PipelineError(f"The log of {step.name} in run {run.id} names no report: look at it with `tfx-vae kubeflow logs`.")
    source, bucket, key = found.groups()
    return _get(client, connection, "/artifacts/get", {"source": source.replace("gs", "gcs"), "bucket": bucket, "key": key})


def _get(client: Any, connection: Connection, path: str, query: dict[str, str]) -> bytes:
    from pipelines.kubeflow.private_kfp import get

    if namespace := client.get_user_namespace() or connection.namespace:
        query |= {"namespace": namespace, "podnamespace": namespace}
    status, content = get(client, f"{path}?{urllib.parse.urlencode(query)}")
    if status != 200:
        said = " ".join(content.decode("utf-8", "replace").split())[:300]
        raise PipelineError(
            f"Kubeflow's user interface does not give {path} ({status}): is the endpoint its address, as after "
            f"`kubectl port-forward svc/ml-pipeline-ui`? It says: {said}"
        )
    return content


def _names(client: Any, found: Any) -> dict[str, str]:
    """The names of steps by those of their tasks, from the pipeline that was uploaded."""
    reference = found.pipeline_version_reference
    spec = client.get_pipeline_version(reference.pipeline_id, reference.pipeline_version_id).pipeline_spec
    spec = spec.get("pipeline_spec", spec)  # nested if the pipeline has settings for Kubernetes
    dags = [spec["root"]["dag"], *(component["dag"] for component in spec["components"].values() if "dag" in component)]
    return {
        key: task["taskInfo"]["name"]
        for dag in dags
        for key, task in dag["tasks"].items()
        if "dag" not in spec["components"][task["componentRef"]["name"]]
    }


def _run(item: Any) -> Run:
    error = str(item.error.message) if item.error else ""
    return Run(str(item.run_id), str(item.display_name), str(item.state or "PENDING"), item.created_at, error)


def _step(node: str, task: Any, by_hash: dict[str, Any]) -> Step:
    if task is None:
        return Step(node, "PENDING", None, None, ())
    attempts = sorted(_attempts(task, by_hash), key=lambda attempt: str(attempt.display_name))
    pods = [attempt for attempt in attempts if "(" in str(attempt.display_name)] or attempts
    last = pods[-1] if pods else task
    ended = task.end_time if task.end_time and task.end_time.year > 1970 else None
    return Step(node, str(last.state), task.start_time, ended, tuple(str(pod.pod_name) for pod in pods))


def _attempts(task: Any, by_hash: dict[str, Any]) -> Iterator[Any]:
    """The nodes below a step that are its attempts; what follows a step is below it too, and is left out."""
    for child in task.child_tasks or []:
        below = by_hash.get(_hash(str(child.pod_name)))
        if below is not None and _ATTEMPT.fullmatch(str(below.display_name)):
            yield below
            yield from _attempts(below, by_hash)


def _hash(pod: str) -> str:
    """The last part of the name of a pod or node: children are named by node, which has another beginning."""
    return pod.rpartition("-")[2]
