"""The compiled pipeline itself under KFP's local runner: every component in a process of its own, on a shared database."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import servers
from support.workplace import BIN, PROJECT, SMOKE, Workplace

from pipelines.metadata.location import PASSWORD_VARIABLE, URL_VARIABLE

pytestmark = pytest.mark.timeout(2400)

RUN_LOCALLY = """
import json, sys
from kfp import components, local
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2], raise_on_error=True)
components.load_component_from_file(sys.argv[1])(**json.loads(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def metadata() -> Iterator[dict[str, str]]:
    """ML Metadata on a MariaDB of our own, where MariaDB is installed, and in a SQLite file where it is not."""
    if shutil.which("mariadb-install-db") is None:
        yield {}
        return
    with servers.mariadb() as location:
        yield {URL_VARIABLE: str(location), PASSWORD_VARIABLE: servers.PASSWORD}


@pytest.fixture(scope="module")
def kubeflow(workplace: Workplace, metadata: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> "LocalKubeflow":
    return LocalKubeflow(workplace, metadata, tmp_path_factory.mktemp("kfp"))


class LocalKubeflow:
    """Compiles the smoke pipeline once, as a person does, and runs what was compiled."""

    def __init__(self, workplace: Workplace, metadata: dict[str, str], directory: Path) -> None:
        self.workplace = workplace
        self._environment = {**workplace.environment(), **metadata, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._directory = directory
        self.package = directory / "pipeline.yaml"
        settings = (
            f"runtime.root={workplace.root}",
            f"data.data_dir={workplace.root.parent / 'datasets'}",
            # Nothing is mounted: all processes share this machine's disk.
            "kubeflow.volume_claim=null",
            # Fewer and quicker components: each process imports TFX, which takes longer than most of them.
            "infra_validator.enabled=false",
            "report.enabled=false",
            "evaluator.frechet_distance.enabled=false",
            "evaluator.importance_weighted.enabled=false",
            "trainer.epochs=1",
            "evaluator.thresholds={negative_elbo: {upper: 500, worsening: 50}}",
        )
        options = ["--config", str(SMOKE), *(part for setting in settings for part in ("--set", setting))]
        command = [
            str(BIN / "tfx-vae"),
            "kubeflow",
            "compile",
            *options,
            "--image",
            "python-tfx-vae:test",
            "-o",
            str(self.package),
        ]
        self._call(command)
        pipeline = next(yaml.safe_load_all(self.package.read_text()))
        self.nodes = {task["taskInfo"]["name"] for task in pipeline["root"]["dag"]["tasks"].values()}

    def run(self, **parameters: object) -> None:
        root = str(self._directory / "artifacts")
        self._call([sys.executable, "-W", "ignore", "-c", RUN_LOCALLY, str(self.package), root, json.dumps(parameters)])

    def ask(self, *words: str) -> dict[str, object]:
        """What a command of `tfx-vae` says about the runs."""
        command = [
            str(BIN / "tfx-vae"),
            *words,
            "--json",
            "--config",
            str(SMOKE),
            "--set",
            f"runtime.root={self.workplace.root}",
        ]
        answer: dict[str, object] = json.loads(self._call(command))
        return answer

    def _call(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=PROJECT, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        return done.stdout


@pytest.fixture(scope="module")
def first(kubeflow: LocalKubeflow) -> dict[str, object]:
    kubeflow.run(run_date="2026-01-31")
    return kubeflow.ask("show", "latest")


@pytest.fixture(scope="module")
def second(kubeflow: LocalKubeflow, first: dict[str, object]) -> dict[str, object]:
    """Trained for longer, as a person asks for at submission."""
    kubeflow.run(epochs=2)
    return kubeflow.ask("show", "latest")


def states(shown: dict[str, object]) -> dict[str, str]:
    return {component["node"]: component["state"] for component in shown["components"]}


def test_the_compiled_pipeline_runs_to_a_pushed_model_every_component_in_a_process_of_its_own(
    first: dict[str, object], kubeflow: LocalKubeflow
):
    assert kubeflow.nodes > {"TfdsExampleGen", "Transform", "Trainer", "BaselineResolver", "Evaluator", "Pusher"}
    assert states(first) == dict.fromkeys(kubeflow.nodes, "complete")
    assert len(kubeflow.workplace.versions()) >= 1


def test_all_steps_share_one_run_which_ends_as_complete(first: dict[str, object], kubeflow: LocalKubeflow):
    assert first["run"]["state"] == "complete"
    assert {run["id"] for run in kubeflow.ask("runs")["runs"]} >= {first["run"]["id"]}


def test_the_second_run_takes_from_the_cache_all_that_its_parameters_do_not_change(
    second: dict[str, object], kubeflow: LocalKubeflow
):
    trained = {"Trainer", "Evaluator", "Pusher"}
    untouched = kubeflow.nodes - trained - {"BaselineResolver"}  # a resolver is asked every time
    assert states(second) == dict.fromkeys(untouched, "cached") | dict.fromkeys(kubeflow.nodes - untouched, "complete")


def test_the_second_run_finds_the_first_ones_blessed_model_as_its_baseline(
    first: dict[str, object], second: dict[str, object], kubeflow: LocalKubeflow
):
    def outputs(shown: dict[str, object], node: str) -> dict[str, list[dict[str, object]]]:
        [component] = [component for component in shown["components"] if component["node"] == node]
        return component["outputs"]

    [trained] = outputs(first, "Trainer")["model"]
    [baseline] = outputs(second, "BaselineResolver")["model"]
    assert baseline["id"] == trained["id"]
    assert len(kubeflow.workplace.versions()) == 2
    assert len(kubeflow.ask("runs")["runs"]) == 2


@pytest.mark.skipif(shutil.which("mariadb-install-db") is None, reason="MariaDB is not installed")
def test_nothing_is_left_in_a_sqlite_file_where_ml_metadata_is_a_server(second: dict[str, object], kubeflow: LocalKubeflow):
    assert not (kubeflow.workplace.root / "metadata.sqlite").exists()
    assert servers.PASSWORD not in kubeflow.package.read_text()
