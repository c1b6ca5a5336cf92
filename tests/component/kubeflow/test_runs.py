"""What is going on in Kubeflow, as the commands show it: against a server that answers as KFP's API and user interface do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from support.kubeflow_server import KubeflowServer

from pipelines.config import PipelineConfig
from pipelines.kubeflow import schedules
from pipelines.kubeflow.client import Connection, connected
from pipelines.kubeflow.parameters import Parameters
from tfx_vae.cli import main

PROJECT = Path(__file__).parents[3]
REPORT = "minio://mlpipeline/v2/artifacts/mnist-smoke/run/modelreport/7/page"


@pytest.fixture
def run(server: KubeflowServer, smoke: PipelineConfig, golden: Path) -> str:
    """A run whose Transform was tried twice and failed, as KFP describes Argo's nodes; its Pusher has not begun."""
    with connected(Connection(server.endpoint)) as client:
        id_ = schedules.submit(client, smoke, golden, Parameters.of(smoke))
    server.runs[id_] |= {
        "state": "FAILED",
        "error": {"code": 13, "message": "mnist-smoke failed"},
        "run_details": {
            "task_details": [
                node("root", "wf-11", "FAILED", 0, ("21", "22")),
                node("transform-driver", "wf-system-container-driver-22", "SUCCEEDED", 5, ("31",)),
                node("transform", "wf-retry-system-container-executor-31", "FAILED", 10, ("32",)),
                node("executor", "wf-retry-system-container-impl-32", "FAILED", 10, ("33", "34")),
                node("executor(0)", "wf-retry-system-container-impl-33", "FAILED", 10),
                node("executor(1)", "wf-retry-system-container-impl-34", "FAILED", 40, seconds=12),
                node("modelreport", "wf-system-container-executor-41", "SUCCEEDED", 50, ("42",)),
                # What comes after a step is below its last attempt.
                node("executor", "wf-system-container-impl-42", "SUCCEEDED", 50, ("51",)),
                node("pusher-driver", "wf-system-container-driver-51", "RUNNING", 59),
            ]
        },
    }
    server.logs["wf-retry-system-container-impl-34"] = "second attempt\nTransform failed: no data\n"
    server.logs["wf-system-container-impl-42"] = f"drawing\nKubeflow keeps the report as {REPORT}\n"
    server.objects["mlpipeline", REPORT.partition("mlpipeline/")[2]] = b"<h1>mnist-smoke</h1>"
    return id_


def node(name: str, pod: str, state: str, start: int, children: tuple[str, ...] = (), seconds: int = 1) -> dict[str, Any]:
    return {
        "display_name": name,
        "pod_name": pod,
        "state": state,
        "start_time": f"2026-01-31T03:00:{start:02d}Z",
        "end_time": f"2026-01-31T03:00:{start + seconds:02d}Z" if state != "RUNNING" else "1970-01-01T00:00:00Z",
        # Argo's ids of nodes, which are not the names of their pods.
        "child_tasks": [{"pod_name": f"wf-{child}"} for child in children],
    }


@pytest.fixture
def cli(server: KubeflowServer) -> Callable[..., Result]:
    def call(*words: str) -> Result:
        return CliRunner().invoke(
            main, ["kubeflow", *words, "--config", "smoke"], env={"KF_PIPELINES_ENDPOINT": server.endpoint}
        )

    return call


def test_runs_are_listed_and_the_steps_of_one_with_their_states_and_attempts(cli: Any, run: str, golden: Path):
    listed = cli("runs").output.splitlines()
    assert listed[0].split() == ["run", "name", "state", "created", "(UTC)"]
    assert [line.split()[:2] for line in listed[1:]] == [[run, "mnist-smoke"]]
    assert "failed" in listed[1]

    first, _, *steps = cli("runs", run[:6]).output.splitlines()
    assert first == "mnist-smoke failed"
    table = {line.split()[0]: line.split()[1:] for line in steps}
    # From the start of the step to the end of its last attempt would be 42 s if the step itself had not ended before.
    assert table["Transform"] == ["failed", "2026-01-31", "03:00:10", "1", "2"]
    assert table["ModelReport"] == ["succeeded", "2026-01-31", "03:00:50", "1", "1"]
    assert table["Pusher"] == ["pending"]
    names = {task["taskInfo"]["name"] for task in next(yaml.safe_load_all(golden.read_text()))["root"]["dag"]["tasks"].values()}
    assert set(table) == names


def test_the_log_is_of_the_last_attempt_of_the_step_that_failed_or_of_the_one_that_is_named(cli: Any, run: str):
    failed = cli("logs")
    assert failed.stdout == "second attempt\nTransform failed: no data\n"
    assert failed.stderr == f"Transform of run {run}: FAILED\n"
    assert cli("logs", "latest", "modelreport").stdout.startswith("drawing\n")


def test_the_report_is_fetched_from_where_kubeflow_keeps_it(cli: Any, run: str, tmp_path: Path):
    page = tmp_path / "report.html"
    assert cli("report", run, "-o", str(page), "--no-browser").stdout == f"{page}\n"
    assert page.read_bytes() == b"<h1>mnist-smoke</h1>"


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("runs", "nothing"), 2, "Kubeflow has no runs of mnist-smoke whose id begins with nothing"),
        (("logs", "latest", "Pusher"), 2, "has not begun"),
        (("logs", "latest", "Trainr"), 2, "has no step Trainr; it has "),
    ],
)
def test_what_is_not_there_is_said(cli: Any, words: tuple[str, ...], status: int, sentence: str):
    done = cli(*words)
    assert (done.exit_code, done.stdout) == (status, "")
    assert sentence in done.stderr


def test_an_address_without_the_user_interface_has_no_logs(cli: Any, run: str, server: KubeflowServer):
    server.logs.clear()
    done = cli("logs", run)
    assert done.exit_code == 1
    assert "is the endpoint its address, as after `kubectl port-forward svc/ml-pipeline-ui`?" in done.stderr


def test_a_pipeline_without_runs_says_so(cli: Any):
    assert cli("runs").output == "Kubeflow has no runs of mnist-smoke.\n"


def test_the_server_is_reached_at_the_service_that_is_applied(cli: Any):
    printed = cli("serving", "--namespace", "team-a").output
    manifest = (PROJECT / "deploy" / "serving" / "tensorflow-serving.yaml").read_text()
    service = next(iter(yaml.safe_load_all(manifest)))
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    host = f"{service['metadata']['name']}.team-a"
    assert f"http://{host}:{ports['http']}/v1/models/mnist-smoke:predict" in printed
    assert f"  {host}:{ports['grpc']}\n" in printed
