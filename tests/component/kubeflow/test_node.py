"""One step: the node that it runs, what it finds of the others, and what happens when it is tried again."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kfp import dsl
from ml_metadata.proto import metadata_store_pb2
from support.light_pipeline import configure, prepare_dataset

from pipelines.config import PipelineConfig
from pipelines.kubeflow import node
from pipelines.kubeflow.node import RUN_DATE, SharedRun
from pipelines.kubeflow.parameters import Parameters, as_text
from pipelines.mlmd import names
from pipelines.mlmd.connections import open_store

RUN = "2f0c6f6a-run"
_Execution = metadata_store_pb2.Execution


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_dataset(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def config(tmp_path: Path, dataset: Path) -> PipelineConfig:
    return configure(tmp_path / "runs", dataset, "kubeflow.volume_claim=null", "report.enabled=false")


@pytest.fixture
def step(config: PipelineConfig) -> Callable[..., int]:
    """Runs a node as a step does; the exit status."""

    def run(name: str, run_id: str = RUN, **changes: str) -> int:
        parameters = Parameters.of(config).changed(tuple(f"{key}={value}" for key, value in changes.items()))
        return node.run_node(name, run_id, as_text(config), parameters)

    return run


def executions(config: PipelineConfig, run_id: str = RUN) -> list[tuple[str, int]]:
    """Type and state of all that a run did."""
    store = open_store(config.metadata_location)
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    types = {type_.id: type_.name.rpartition(".")[2] for type_ in store.get_execution_types()}
    return [(types[found.type_id], found.last_known_state) for found in store.get_executions_by_context(context.id)]


def record(config: PipelineConfig, run_id: str = RUN) -> dict[str, str]:
    context = open_store(config.metadata_location).get_context_by_type_and_name("pipeline_run", run_id)
    return {name: value.string_value for name, value in context.custom_properties.items()}


def test_steps_of_one_run_share_it_and_the_next_run_is_served_from_the_cache(step: Any, config: PipelineConfig):
    assert [step("ImportSchemaGen"), step("TfdsExampleGen")] == [0, 0]
    assert [state for _, state in executions(config)] == [_Execution.COMPLETE] * 2
    assert record(config)[names.STATE] == "running"

    assert [step("ImportSchemaGen", "next"), step("TfdsExampleGen", "next")] == [0, 0]
    assert [state for _, state in executions(config, "next")] == [_Execution.CACHED] * 2


def test_a_step_that_is_tried_again_after_all_was_done_does_nothing(step: Any, config: PipelineConfig):
    assert step("ImportSchemaGen") == 0
    before = executions(config)
    assert step("ImportSchemaGen") == 0
    assert executions(config) == before
    runs = open_store(config.metadata_location).get_contexts_by_type("pipeline_run")
    assert [run.name for run in runs] == [RUN]


def test_a_step_whose_machine_was_taken_away_is_tried_again_within_the_same_run(step: Any, config: PipelineConfig):
    assert step("ImportSchemaGen") == 0
    store = open_store(config.metadata_location)
    [execution] = store.get_executions()
    execution.last_known_state = _Execution.RUNNING
    store.put_executions([execution])
    schema = Path(config.pipeline_root) / "ImportSchemaGen" / "schema" / str(execution.id) / "schema.pbtxt"
    schema.write_text("half of a sche")

    assert step("ImportSchemaGen") == 0

    assert executions(config) == [("ImportSchemaGen", _Execution.COMPLETE)]
    assert schema.read_text() == config.schema_path.read_text()


def test_a_step_that_failed_and_is_tried_again_says_nothing_of_the_failure_any_more(step: Any, config: PipelineConfig):
    assert step("TfdsExampleGen", dataset="no_such_dataset") == 2
    assert executions(config) == [("TfdsExampleGen", _Execution.FAILED)]
    assert record(config)[names.STATE] == "failed"

    assert step("TfdsExampleGen") == 0

    assert executions(config) == [("TfdsExampleGen", _Execution.COMPLETE)]
    assert record(config)[names.STATE] == "running"
    [execution] = open_store(config.metadata_location).get_executions()
    assert names.ERROR not in execution.custom_properties


def test_a_step_whose_upstream_has_not_ended_well_is_not_started(
    step: Any, config: PipelineConfig, capfd: pytest.CaptureFixture[str]
):
    assert step("StatisticsGen") == 1
    assert executions(config) == []
    assert "StatisticsGen failed: This needs ImportSchemaGen, TfdsExampleGen, which did not succeed" in capfd.readouterr().err
    assert record(config)[names.STATE] == "failed"


def test_a_step_that_fails_is_tried_again_and_in_a_later_process_once_more(
    config: PipelineConfig, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(node, "RETRY_AFTER_SECONDS", 0)

    def attempts(name: str, **changes: str) -> tuple[int, Any]:
        parameters = Parameters.of(config).changed(tuple(f"{key}={value}" for key, value in changes.items()))
        with pytest.raises(SystemExit) as ended:
            node.run_or_exit(name, RUN, as_text(config), parameters)
        return capfd.readouterr().err.count(f"{name} failed: "), ended.value.code

    assert config.kubeflow.every_step.retries == 2  # which a step is told
    assert attempts("StatisticsGen") == (3, 1)
    assert attempts("StatisticsGen") == (1, 1)
    assert attempts("TfdsExampleGen", dataset="no_such_dataset") == (1, 2)


def test_a_step_that_fails_says_why_and_leaves_alone_what_runs_beside_it(
    step: Any, config: PipelineConfig, capfd: pytest.CaptureFixture[str]
):
    assert step("ImportSchemaGen") == 0
    store = open_store(config.metadata_location)
    [beside] = store.get_executions()
    beside.last_known_state = _Execution.RUNNING
    store.put_executions([beside])

    assert step("TfdsExampleGen", dataset="no_such_dataset") == 2

    assert dict(executions(config))["TfdsExampleGen"] == _Execution.FAILED
    assert store.get_executions_by_id([beside.id])[0].last_known_state == _Execution.RUNNING
    found = record(config)
    assert found[names.STATE] == "failed"
    assert "no_such_dataset" in found[names.ERROR]
    assert f"TfdsExampleGen failed: {found[names.ERROR]}" in capfd.readouterr().err


def test_a_run_stays_failed_whatever_else_begins_until_the_step_that_failed_is_tried_again(step: Any, config: PipelineConfig):
    assert step("TfdsExampleGen", dataset="no_such_dataset") == 2
    assert step("ImportSchemaGen") == 0
    found = record(config)
    assert found[names.STATE] == "failed"
    assert "no_such_dataset" in found[names.ERROR]

    assert step("TfdsExampleGen") == 0
    assert {name: record(config)[name] for name in (names.STATE, names.ERROR)} == {names.STATE: "running", names.ERROR: ""}


def test_an_older_kubeflow_that_does_not_say_which_run_it_is_is_refused(
    step: Any, config: PipelineConfig, capfd: pytest.CaptureFixture[str]
):
    assert step("ImportSchemaGen", dsl.PIPELINE_JOB_ID_PLACEHOLDER) == 2
    assert "its backend must be 2.5.0 or newer" in capfd.readouterr().err
    assert not config.metadata_location.path.exists()


def test_a_run_has_one_date_which_is_asked_for_or_the_day_on_which_it_began(step: Any, config: PipelineConfig):
    assert step("ImportSchemaGen", run_date="2026-01-31") == 0
    assert record(config)[RUN_DATE] == "2026-01-31"

    store = open_store(config.metadata_location)
    undated = SharedRun(store, config.name, "undated")
    date = undated.join("Trainer", config.pipeline_root, None)
    assert abs(datetime.datetime.now(datetime.UTC).date() - date) <= datetime.timedelta(days=1)
    assert undated.join("Pusher", config.pipeline_root, None) == date
    assert record(config, "undated")[RUN_DATE] == date.isoformat()


def test_a_run_is_complete_when_all_its_nodes_are(config: PipelineConfig, step: Any):
    assert step("ImportSchemaGen") == 0
    run = SharedRun(open_store(config.metadata_location), config.name, RUN)
    assert not run.succeed(["ImportSchemaGen", "Pusher"])
    assert record(config)[names.STATE] == "running"
    assert run.succeed(["ImportSchemaGen"])
    assert record(config)[names.STATE] == "complete"


def test_a_node_that_does_not_exist_is_refused(step: Any, capfd: pytest.CaptureFixture[str]):
    assert step("Trainor") == 2
    assert "There is no component Trainor; there are ImportSchemaGen" in capfd.readouterr().err


def test_the_entry_point_takes_the_same_on_the_command_line(config: PipelineConfig):
    words = ["--node", "ImportSchemaGen", "--run-id", RUN, "--configuration", as_text(config)]
    done = CliRunner().invoke(node.main, [*words, "--epochs", "1", "--latent-dim", "2", "--beta", "1"])
    assert done.exit_code == 0, done.output
    assert [state for _, state in executions(config)] == [_Execution.COMPLETE]
