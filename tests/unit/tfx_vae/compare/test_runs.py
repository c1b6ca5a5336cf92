"""Which runs a comparison means, in databases of a few executions; tests/e2e/test_smoke.py compares real ones."""

from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from support.executions import Executions

from components.errors import ConfigurationError, PipelineError
from pipelines.mlmd.location import sqlite_location
from tfx_vae.compare.runs import ComparedRun, find_compared
from tfx_vae.metadata.reader import open_database

CHANNELS = {"examples": "Examples", "statistics": "ExampleStatistics", "verdict": "DataVerdict", "model": "Model"}


class Runs:
    """Runs of one pipeline, of one execution for each artifact."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = Executions(root / "metadata.sqlite", "mnist-vae")
        self.artifacts: dict[str, int] = {}

    def write(self, run: str, evaluated: bool = True, cached: bool = False) -> None:
        for channel, type_name in {**CHANNELS, **({"evaluation": "ModelEvaluation"} if evaluated else {})}.items():
            if not cached:
                directory = self.root / run / channel
                directory.mkdir(parents=True)
                self.artifacts[channel] = self.written.artifact(str(directory), type_name)
            state = mlmd.Execution.CACHED if cached else mlmd.Execution.COMPLETE
            self.written.execution(channel, run, self.artifacts[channel], state, channel)
        # DriftGate's output has the name of the ValidationGate's.
        self.written.execution(
            "drift", run, self.written.artifact(str(self.root), "DriftVerdict"), mlmd.Execution.COMPLETE, "verdict"
        )

    def find(self, name: str) -> ComparedRun:
        with open_database(sqlite_location(self.root / "metadata.sqlite")) as database:
            return find_compared(database, name)


def uris(found: ComparedRun) -> dict[str, list[Path]]:
    return {name: [Path(artifact.uri) for artifact in several] for name, several in found.artifacts.items()}


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_pipeline_means_its_latest_run_with_an_evaluated_model(runs: Runs):
    runs.write("monday")
    runs.write("tuesday")
    runs.write("wednesday", evaluated=False)
    found = runs.find("mnist-vae")
    assert found.run.id == "tuesday"
    assert uris(found) == {
        "examples": [runs.root / "tuesday" / "examples"],
        "statistics": [runs.root / "tuesday" / "statistics"],
        "data_verdict": [runs.root / "tuesday" / "verdict"],
        "model": [runs.root / "tuesday" / "model"],
        "evaluation": [runs.root / "tuesday" / "evaluation"],
    }


def test_with_spans_the_images_are_those_that_the_model_was_trained_on_and_judged_by(runs: Runs):
    runs.write("monday")
    known = dict(runs.artifacts)
    runs.write("tuesday")
    chosen = (
        ("TrainingSpans", "examples", known["examples"]), ("TrainingSpans", "examples", runs.artifacts["examples"]),
        ("TrainingSpans", "statistics", known["statistics"]), ("TestSpans", "examples", known["examples"]),
        ("DriftResolver", "examples", known["examples"]),
    )  # fmt: skip
    for node, channel, artifact in chosen:
        runs.written.execution(node, "tuesday", artifact, channel=channel, kind=mlmd.Event.INTERNAL_OUTPUT)
    found = uris(runs.find("tuesday"))
    assert found["examples"] == [runs.root / day / "examples" for day in ("monday", "tuesday")]
    assert found["statistics"] == [runs.root / "monday" / "statistics"]
    assert found["test_examples"] == [runs.root / "monday" / "examples"]


def test_a_run_that_came_out_of_the_cache_has_the_artifacts_of_the_one_that_made_them(runs: Runs):
    runs.write("monday")
    runs.write("tuesday", cached=True)
    found = runs.find("tues")
    assert (found.run.id, uris(found)["model"]) == ("tuesday", [runs.root / "monday" / "model"])


def test_a_run_without_an_evaluated_model_is_refused_with_what_it_lacks(runs: Runs):
    runs.write("monday", evaluated=False)
    with pytest.raises(ConfigurationError, match="Run monday has no evaluated model: it lacks evaluation"):
        runs.find("monday")
    with pytest.raises(ConfigurationError, match="No run of mnist-vae has an evaluated model"):
        runs.find("mnist-vae")


def test_what_does_not_exist_is_refused_with_the_pipelines_that_do(runs: Runs):
    runs.write("monday")
    with pytest.raises(ConfigurationError, match=r"no run 'mnist-ae'.*Pipelines with runs: mnist-vae"):
        runs.find("mnist-ae")


def test_an_artifact_that_was_deleted_is_named(runs: Runs):
    runs.write("monday")
    (runs.root / "monday" / "model").rmdir()
    with pytest.raises(PipelineError, match=r"its model in .*monday/model no longer exists"):
        runs.find("monday")
