"""The compiled pipeline itself under KFP's local runner: every component in a process of its own, on a shared database.

The database is a real MariaDB, or SQLite where none is installed; tests/component/kubeflow runs steps on SQLite always.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import servers
from support.forked_python import forked_python
from support.local_kubeflow import LocalKubeflow
from support.spans import NIGHTLY, write_drifting_digits
from support.workplace import Workplace

from pipelines.mlmd.location import PASSWORD_VARIABLE, URL_VARIABLE

pytestmark = pytest.mark.timeout(1200)

SETTINGS = (
    # Quicker, and without the two components that others depend on least.
    "infra_validator.enabled=false",
    "report.enabled=false",
    "evaluator.importance_weighted.enabled=false",
    "trainer.epochs=1",
    "evaluator.thresholds={negative_elbo: {upper: 500, worsening: 50}}",
)

Shown = dict[str, Any]


@pytest.fixture(scope="module")
def metadata() -> Iterator[dict[str, str]]:
    """ML Metadata on a MariaDB of our own, where MariaDB is installed, and in a SQLite file where it is not."""
    if shutil.which("mariadb-install-db") is None:
        yield {}
        return
    with servers.mariadb() as location:
        yield {URL_VARIABLE: str(location), PASSWORD_VARIABLE: servers.PASSWORD}


@pytest.fixture(scope="module")
def steps_python(workplace: Workplace) -> Iterator[Path]:
    """What each step runs in."""
    modules = ["kfp.dsl.executor", "pipelines.local.runner", "pipelines.pipeline", "tfx.dsl.compiler.compiler"]
    environment = workplace.environment(TF_CPP_MIN_LOG_LEVEL="3", _KFP_RUNTIME="true")
    with forked_python(modules, environment) as executable:
        yield executable


@pytest.fixture(scope="module")
def kubeflow(
    quick: Workplace, metadata: dict[str, str], steps_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> LocalKubeflow:
    return LocalKubeflow(quick, metadata, steps_python, tmp_path_factory.mktemp("kfp"), *SETTINGS)


@pytest.fixture(scope="module")
def first(kubeflow: LocalKubeflow) -> Shown:
    kubeflow.run(run_date="2026-01-31")
    return kubeflow.ask("show", "latest")


@pytest.fixture(scope="module")
def second(kubeflow: LocalKubeflow, first: Shown) -> Shown:
    """Trained for longer, as a parameter of the submission says."""
    kubeflow.run(epochs=2)
    return kubeflow.ask("show", "latest")


def states(shown: Shown) -> dict[str, str]:
    return {component["node"]: component["state"] for component in shown["components"]}


def test_steps_that_begin_at_the_same_time_share_a_database_that_is_empty(kubeflow: LocalKubeflow):
    started = kubeflow.start("another", "at-once", "ImportSchemaGen", "TfdsExampleGen")
    assert [step.wait() for step in started] == [0, 0]
    [run] = kubeflow.ask("runs", "--pipeline", "another")["runs"]
    assert (run["id"], run["state"]) == ("at-once", "running")


def test_the_compiled_pipeline_runs_to_a_pushed_model_every_component_in_a_process_of_its_own(
    first: Shown, kubeflow: LocalKubeflow
):
    assert kubeflow.nodes > {"TfdsExampleGen", "Transform", "FeatureClassifier", "Trainer", "BaselineResolver", "Evaluator"}
    assert states(first) == dict.fromkeys(kubeflow.nodes, "complete")
    assert len(kubeflow.workplace.versions()) >= 1


def test_kubeflow_is_given_the_metrics_and_the_verdict(first: Shown, kubeflow: LocalKubeflow):
    [run] = [run for run in kubeflow.ask("runs")["runs"] if run["id"] == first["run"]["id"]]
    outputs = kubeflow.outputs("Evaluator")
    assert outputs["metrics"]["metadata"]["negative_elbo"] == pytest.approx(run["metrics"]["negative_elbo"])
    assert Path(outputs["verdict"]["uri"]).read_text().startswith("**Blessed**: all thresholds hold.")


def test_the_last_step_is_told_how_the_run_ended(first: Shown, kubeflow: LocalKubeflow):
    told = kubeflow.workplace.root / "told.json"
    kubeflow.notify(first["run"]["id"], command=f"cat > {told}", when=["blessed"])
    found = json.loads(told.read_text())
    assert (found["state"], found["version"]) == ("complete", kubeflow.workplace.versions()[0])


def test_the_evaluator_finds_the_classifier_that_another_step_trained(first: Shown, kubeflow: LocalKubeflow):
    [run] = [run for run in kubeflow.ask("runs")["runs"] if run["id"] == first["run"]["id"]]
    assert run["metrics"]["frechet_distance"] > 0


def test_all_steps_share_one_run_which_ends_as_complete(first: Shown, kubeflow: LocalKubeflow):
    assert first["run"]["state"] == "complete"
    assert {run["id"] for run in kubeflow.ask("runs")["runs"]} >= {first["run"]["id"]}


def test_the_second_run_takes_from_the_cache_all_that_its_parameters_do_not_change(second: Shown, kubeflow: LocalKubeflow):
    trained = {"Trainer", "Evaluator", "Pusher"}
    untouched = kubeflow.nodes - trained - {"DriftResolver", "BaselineResolver"}  # a resolver is asked every time
    assert states(second) == dict.fromkeys(untouched, "cached") | dict.fromkeys(kubeflow.nodes - untouched, "complete")


def test_the_second_run_finds_the_first_ones_blessed_model_as_its_baseline(
    first: Shown, second: Shown, kubeflow: LocalKubeflow
):
    def outputs(shown: Shown, node: str) -> dict[str, list[Shown]]:
        [component] = [component for component in shown["components"] if component["node"] == node]
        return component["outputs"]

    [trained] = outputs(first, "Trainer")["model"]
    [baseline] = outputs(second, "BaselineResolver")["model"]
    assert baseline["id"] == trained["id"]
    assert len(kubeflow.workplace.versions()) == 2
    assert len(kubeflow.ask("runs", "--pipeline", "mnist-smoke")["runs"]) == 2


def test_nights_under_kubeflow_drift_are_taken_back_and_train_nothing_without_a_new_span(
    quick: Workplace, metadata: dict[str, str], steps_python: Path, tmp_path: Path
):
    write_drifting_digits(tmp_path / "all")
    nights = tmp_path / "nights"
    shutil.copytree(tmp_path / "all" / "span-1", nights / "span-1")
    shutil.copytree(tmp_path / "all" / "span-2", nights / "span-2")
    settings = (*NIGHTLY, f"data.images={nights}/span-{{SPAN}}", "report.enabled=false")
    kubeflow = LocalKubeflow(quick, metadata, steps_python, tmp_path, *settings)
    resolvers = {node for node in kubeflow.nodes if node.endswith(("Resolver", "Spans"))}

    kubeflow.run()
    assert states(kubeflow.ask("show", "digits")) == dict.fromkeys(kubeflow.nodes, "complete")
    kubeflow.run()
    assert {node for node, state in states(kubeflow.ask("show", "digits")).items() if state != "cached"} == resolvers
    [good] = quick.versions("digits")

    shutil.copytree(tmp_path / "all" / "span-3", nights / "span-3")
    kubeflow.run()
    [drifted, *_] = kubeflow.ask("runs", "--pipeline", "digits")["runs"]
    assert "brightness" in drifted["drift"]
    kubeflow.tfx_vae("rollback", "--why", "inverted digits", "--set", "name=digits")
    _, bad, served = quick.versions("digits")
    weights = {version: quick.weights(version, "digits") for version in (good, bad, served)}
    assert weights[served] == weights[good] != weights[bad]


@pytest.mark.skipif(shutil.which("mariadb-install-db") is None, reason="MariaDB is not installed")
def test_nothing_is_left_in_a_sqlite_file_where_ml_metadata_is_a_server(second: Shown, kubeflow: LocalKubeflow):
    assert not (kubeflow.workplace.root / "metadata.sqlite").exists()
    assert servers.PASSWORD not in kubeflow.package.read_text()
