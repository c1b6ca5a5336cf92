"""The compiled pipeline itself under KFP's local runner: every component in a process of its own, on a shared database.

Its images arrive as spans, as those of a nightly schedule do.
The database is a real MariaDB, or SQLite where none is installed; tests/component/kubeflow runs steps on SQLite always.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import servers
from support.local_kubeflow import LocalKubeflow
from support.spans import NIGHTLY, write_drifting_digits
from support.workplace import Workplace

from pipelines.mlmd.location import PASSWORD_VARIABLE, URL_VARIABLE

pytestmark = pytest.mark.timeout(1200)

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
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that arrives, from the first night to the last."""
    folder = tmp_path_factory.mktemp("digits")
    write_drifting_digits(folder)
    return folder


@pytest.fixture(scope="module")
def arrived(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What has arrived so far."""
    folder = tmp_path_factory.mktemp("arrived")
    shutil.copytree(digits / "span-1", folder / "span-1")
    return folder


@pytest.fixture(scope="module")
def kubeflow(
    quick: Workplace, metadata: dict[str, str], python: Path, arrived: Path, tmp_path_factory: pytest.TempPathFactory
) -> LocalKubeflow:
    settings = (
        *NIGHTLY,
        f"data.images={arrived}/span-{{SPAN}}",
        "report.enabled=false",
        "evaluator.frechet_distance.enabled=true",
    )
    return LocalKubeflow(quick, metadata, python, tmp_path_factory.mktemp("kfp"), *settings)


@pytest.fixture(scope="module")
def first(kubeflow: LocalKubeflow) -> Shown:
    kubeflow.run(run_date="2026-01-31")
    return kubeflow.ask("show", "latest")


@pytest.fixture(scope="module")
def second(kubeflow: LocalKubeflow, first: Shown) -> Shown:
    """Trained for longer, as a parameter of the submission says; no images have arrived."""
    kubeflow.run(epochs=4)
    return kubeflow.ask("show", "latest")


@pytest.fixture(scope="module")
def third(kubeflow: LocalKubeflow, second: Shown, digits: Path, arrived: Path) -> Shown:
    """The night on which inverted digits arrive."""
    shutil.copytree(digits / "span-3", arrived / "span-3")
    kubeflow.run()
    return kubeflow.ask("show", "latest")


def states(shown: Shown) -> dict[str, str]:
    return {component["node"]: component["state"] for component in shown["components"]}


def outputs(shown: Shown, node: str, name: str) -> list[int]:
    """The ids of what a node made or found."""
    [component] = [component for component in shown["components"] if component["node"] == node]
    return [artifact["id"] for artifact in component["outputs"].get(name, [])]


def resolvers(kubeflow: LocalKubeflow) -> set[str]:
    """They are asked in every run."""
    return {node for node in kubeflow.nodes if node.endswith(("Resolver", "Spans"))}


def test_steps_that_begin_at_the_same_time_share_a_database_that_is_empty(kubeflow: LocalKubeflow):
    started = kubeflow.start("another", "at-once", "ImportSchemaGen", "ImageExampleGen")
    assert [step.wait() for step in started] == [0, 0]
    [run] = kubeflow.ask("runs", "--pipeline", "another")["runs"]
    assert (run["id"], run["state"]) == ("at-once", "running")


def test_the_compiled_pipeline_runs_to_a_pushed_model_every_component_in_a_process_of_its_own(
    first: Shown, kubeflow: LocalKubeflow
):
    assert kubeflow.nodes > {"ImageExampleGen", "Transform", "FeatureClassifier", "Trainer", "BaselineResolver", "Evaluator"}
    assert states(first) == dict.fromkeys(kubeflow.nodes, "complete")
    assert len(kubeflow.workplace.versions("digits")) >= 1


def test_kubeflow_is_given_the_metrics_and_the_verdict(first: Shown, kubeflow: LocalKubeflow):
    [run] = [run for run in kubeflow.ask("runs")["runs"] if run["id"] == first["run"]["id"]]
    given = kubeflow.outputs("Evaluator")
    assert given["metrics"]["metadata"]["negative_elbo"] == pytest.approx(run["metrics"]["negative_elbo"])
    assert Path(given["verdict"]["uri"]).read_text().startswith("**Blessed**: all thresholds hold.")


def test_the_last_step_is_told_how_the_run_ended(first: Shown, kubeflow: LocalKubeflow):
    told = kubeflow.workplace.root / "told.json"
    kubeflow.notify(first["run"]["id"], command=f"cat > {told}", when=["blessed"])
    found = json.loads(told.read_text())
    assert (found["state"], found["version"]) == ("complete", kubeflow.workplace.versions("digits")[0])


def test_the_evaluator_finds_the_classifier_that_another_step_trained(first: Shown, kubeflow: LocalKubeflow):
    [run] = [run for run in kubeflow.ask("runs")["runs"] if run["id"] == first["run"]["id"]]
    assert run["metrics"]["frechet_distance"] > 0


def test_all_steps_share_one_run_which_ends_as_complete(first: Shown, kubeflow: LocalKubeflow):
    assert first["run"]["state"] == "complete"
    assert {run["id"] for run in kubeflow.ask("runs")["runs"]} >= {first["run"]["id"]}


def test_the_second_run_takes_from_the_cache_all_that_its_parameters_do_not_change(second: Shown, kubeflow: LocalKubeflow):
    changed = {"Trainer", "Evaluator", "Pusher"} | resolvers(kubeflow)
    assert states(second) == dict.fromkeys(kubeflow.nodes, "cached") | dict.fromkeys(changed, "complete")


def test_the_second_run_finds_the_first_ones_blessed_model_as_its_baseline(
    first: Shown, second: Shown, kubeflow: LocalKubeflow
):
    assert outputs(second, "BaselineResolver", "model") == outputs(first, "Trainer", "model") != []
    assert len(kubeflow.workplace.versions("digits")) == 2
    assert len(kubeflow.ask("runs", "--pipeline", "digits")["runs"]) == 2


def test_a_run_goes_on_training_the_champion_only_if_a_span_is_new(first: Shown, second: Shown, third: Shown):
    # What is the same as before makes the Trainer's cache key the same.
    assert outputs(second, "WarmStartResolver", "model") == outputs(first, "WarmStartResolver", "model") == []
    assert outputs(third, "WarmStartResolver", "model") == outputs(second, "Trainer", "model") != []


def test_a_night_of_other_images_says_so_and_is_taken_back(third: Shown, kubeflow: LocalKubeflow):
    assert states(third) == dict.fromkeys(kubeflow.nodes, "complete") | {"ImportSchemaGen": "cached"}
    [drifted, *_] = kubeflow.ask("runs", "--pipeline", "digits")["runs"]
    assert "brightness" in drifted["drift"]

    kubeflow.tfx_vae("rollback", "--why", "inverted digits", "--set", "name=digits")

    _, good, bad, served = kubeflow.workplace.versions("digits")
    weights = {version: kubeflow.workplace.weights(version, "digits") for version in (good, bad, served)}
    assert weights[served] == weights[good] != weights[bad]


@pytest.mark.skipif(shutil.which("mariadb-install-db") is None, reason="MariaDB is not installed")
def test_nothing_is_left_in_a_sqlite_file_where_ml_metadata_is_a_server(second: Shown, kubeflow: LocalKubeflow):
    assert not (kubeflow.workplace.root / "metadata.sqlite").exists()
    assert servers.PASSWORD not in kubeflow.package.read_text()
