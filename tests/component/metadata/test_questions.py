"""What is answered about a database of five runs, and by how many queries."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.history import History
from support.past import ERROR

from components.errors import ConfigurationError, PipelineError
from pipelines.mlmd.names import VERSIONS
from pipelines.mlmd.record import write_facts
from tfx_vae.metadata.artifacts import list_artifacts
from tfx_vae.metadata.diff import compare_runs
from tfx_vae.metadata.entities import ExecutionState
from tfx_vae.metadata.lineage import Kind, trace
from tfx_vae.metadata.reader import Database, open_database
from tfx_vae.metadata.runs import list_runs
from tfx_vae.metadata.show import find_report, show_run


def answer(history: History, question: Callable[[Database], Any]) -> Any:
    with open_database(history.location) as database:
        return question(database)


def test_a_run_is_summed_up_by_what_its_components_wrote(past: Any):
    runs = {run.id: run for run in answer(past.history, list_runs)}
    second = runs[past.second.id]
    assert (second.pipeline, second.state, second.blessed) == ("mnist-vae", "complete", True)
    assert second.dataset == {"name": "mnist", "version": "3.0.1"}
    assert second.model == {"kind": "vae", "network": "dense", "latent_dim": 32}
    assert second.metrics == {"kl_divergence": 20.0, "negative_elbo": 99.25, "reconstruction_loss": 79.25}
    assert second.pushed_version is not None
    assert second.seconds is not None
    assert 0 < second.seconds < 60
    assert runs[past.first.id].metrics["negative_elbo"] == 101.5


def test_a_run_from_the_cache_has_the_results_that_it_was_served(past: Any):
    runs = {run.id: run for run in answer(past.history, list_runs)}
    cached, second = runs[past.cached.id], runs[past.second.id]
    assert (cached.metrics, cached.pushed_version) == (second.metrics, second.pushed_version)


def test_a_failed_run_has_no_results_but_a_reason(past: Any):
    [failed] = [run for run in answer(past.history, list_runs) if run.id == past.failed.id]
    assert (failed.state, failed.error) == ("failed", ERROR)
    assert (failed.metrics, failed.blessed, failed.pushed_version) == (None, None, None)


def test_runs_come_newest_first_and_can_be_chosen(past: Any):
    newest = [past.other.id, past.failed.id, past.cached.id, past.second.id, past.first.id]
    assert [run.id for run in answer(past.history, list_runs)] == newest
    of_pipeline = answer(past.history, lambda database: list_runs(database, "mnist-vae", 2))
    assert [run.id for run in of_pipeline] == newest[1:3]
    assert of_pipeline[1].metrics["negative_elbo"] == 99.25


def test_what_was_not_blessed_was_not_pushed(past: Any):
    [other] = answer(past.history, lambda database: list_runs(database, "mnist-ae"))
    assert (other.blessed, other.pushed_version) == (False, None)


def test_the_components_of_a_run_are_in_order_with_inputs_outputs_and_parameters(past: Any):
    details = answer(past.history, lambda database: show_run(database, past.second.id))
    assert [component.node for component in details.components] == list(past.second.executions)
    trainer = next(component for component in details.components if component.node == "Trainer")
    assert trainer.state is ExecutionState.COMPLETE
    assert trainer.parameters["custom_config"]["trainer"] == {"epochs": 6}
    assert {name: [artifact.id for artifact in found] for name, found in trainer.outputs.items()} == {
        "model": [past.second.artifacts["model"]],
        "model_run": [past.second.artifacts["model_run"]],
    }
    assert set(trainer.inputs) == {"transformed_examples", "transform_graph"}
    resolver = next(component for component in details.components if component.node == "BaselineResolver")
    assert [artifact.id for artifact in resolver.outputs["model"]] == [past.first.artifacts["model"]]
    assert details.versions["tfx"] == "1.21.0"
    assert Path(details.log) == past.second.log


def test_cached_components_and_the_error_of_a_failed_one_are_shown(past: Any):
    cached = answer(past.history, lambda database: show_run(database, past.cached.id))
    assert {component.state.value for component in cached.components} == {"cached", "complete"}
    failed = answer(past.history, lambda database: show_run(database, past.failed.id))
    assert [component.error for component in failed.components if component.state == "failed"] == [ERROR]
    assert "error_message" not in failed.components[-1].parameters


def test_a_run_may_be_named_by_its_beginning_or_as_the_latest(past: Any):
    assert answer(past.history, lambda database: show_run(database, "latest")).summary.id == past.other.id
    assert (
        answer(past.history, lambda database: show_run(database, past.first.id.removesuffix(".000000"))).summary.id
        == past.first.id
    )
    assert answer(past.history, lambda database: show_run(database, "mnist-vae")).summary.id == past.failed.id
    with pytest.raises(ConfigurationError, match="5 runs begin with '2026'"):
        answer(past.history, lambda database: show_run(database, "2026"))
    with pytest.raises(ConfigurationError, match="There is no run 'nothing'"):
        answer(past.history, lambda database: show_run(database, "nothing"))


def test_artifacts_have_their_size_on_disk_and_their_producer(past: Any):
    found = {details.artifact.id: details for details in answer(past.history, list_artifacts)}
    assert len(found) == 11 * 3 + 6
    model = found[past.second.artifacts["model"]]
    assert (model.artifact.type, model.channel, model.size) == ("Model", "model", 100)
    assert model.producer is not None
    # Not the one that was served it from the cache.
    assert (model.producer.node, model.producer.run_id) == ("Trainer", past.second.id)


def test_artifacts_can_be_chosen_by_type_and_by_run(past: Any):
    models = answer(past.history, lambda database: list_artifacts(database, "Model"))
    assert [details.artifact.id for details in models] == [
        run.artifacts["model"] for run in (past.other, past.second, past.first)
    ]
    of_cached = answer(past.history, lambda database: list_artifacts(database, "Model", past.cached.id))
    assert [details.artifact.id for details in of_cached] == [past.second.artifacts["model"]]
    with pytest.raises(ConfigurationError, match="did you mean Model"):
        answer(past.history, lambda database: list_artifacts(database, "Modell"))


def test_a_served_version_is_traced_back_to_its_data_and_its_configuration(past: Any):
    [version] = [run.pushed_version for run in answer(past.history, list_runs) if run.id == past.second.id]
    lineage = answer(past.history, lambda database: trace(database, version))
    assert lineage.start == (f"artifact-{past.second.artifacts['pushed_model']}",)
    found = {node.details["id"] for node in lineage.nodes.values() if node.kind is Kind.ARTIFACT}
    needed = ("pushed_model", "model", "blessing", "transformed_examples", "transform_graph", "examples", "schema")
    baseline = ("model", "transformed_examples", "transform_graph", "examples", "schema")
    assert found == {past.second.artifacts[name] for name in needed} | {past.first.artifacts[name] for name in baseline}
    configurations = [node.details for node in lineage.nodes.values() if node.kind is Kind.CONFIGURATION]
    assert {configuration["trainer"]["epochs"] for configuration in configurations} == {3, 6}
    datasets = [node.details for node in lineage.nodes.values() if node.kind is Kind.DATASET]
    assert {dataset["content_digest"] for dataset in datasets} == {"a" * 64}


@pytest.mark.parametrize("name", ["latest", "mnist-vae"])
def test_the_newest_pushed_version_has_the_name_of_its_pipeline(past: Any, name: str):
    lineage = answer(past.history, lambda database: trace(database, name))
    assert lineage.start == (f"artifact-{past.second.artifacts['pushed_model']}",)


def test_the_report_of_a_run_is_found_and_missing_ones_are_explained(past: Any):
    with pytest.raises(PipelineError, match=r"of mnist-vae has no report: `tfx-vae show"):
        answer(past.history, lambda database: find_report(database, "mnist-vae"))


def test_a_dataset_is_traced_forward_to_every_model_that_it_touched(past: Any):
    lineage = answer(past.history, lambda database: trace(database, "mnist", downstream=True))
    models = {node.details["id"] for node in lineage.nodes.values() if node.details.get("type") == "Model"}
    assert models == {run.artifacts["model"] for run in (past.first, past.second, past.other)}
    alone = answer(past.history, lambda database: trace(database, str(past.first.uris["examples"]), downstream=True))
    models = {node.details["id"] for node in alone.nodes.values() if node.details.get("type") == "Model"}
    assert models == {past.first.artifacts["model"]}
    # A model that was the baseline of another touched its evaluation.
    assert f"artifact-{past.second.artifacts['evaluation']}" in alone.nodes


def test_every_edge_joins_nodes_of_the_graph_in_the_direction_of_time(past: Any):
    for downstream in (False, True):
        lineage = answer(past.history, partial(trace, name=str(past.second.artifacts["model"]), downstream=downstream))
        assert {end for edge in lineage.edges for end in (edge.source, edge.target)} <= set(lineage.nodes)
        outputs = [edge for edge in lineage.edges if edge.target.startswith("artifact-")]
        assert all(edge.source.startswith("execution-") for edge in outputs)


def test_what_is_not_there_cannot_be_traced(past: Any):
    with pytest.raises(ConfigurationError, match="There is no artifact with the id or URI '999'"):
        answer(past.history, lambda database: trace(database, "999"))


def test_runs_differ_in_what_was_changed_and_in_what_came_of_it(past: Any):
    differences = answer(past.history, lambda database: compare_runs(database, past.first.id, past.second.id))
    assert [(each.name, each.first, each.second) for each in differences.parameters] == [
        ("Trainer.custom_config.trainer.epochs", 3, 6)
    ]
    assert [(each.name, each.first, each.second) for each in differences.metrics] == [
        ("negative_elbo", 101.5, 99.25),
        ("reconstruction_loss", 81.5, 79.25),
    ]
    assert (differences.versions, differences.data) == ((), ())
    assert [each.name for each in differences.outcome] == ["pushed_version"]


def test_a_run_does_not_differ_from_the_one_that_it_was_served_from(past: Any):
    differences = answer(past.history, lambda database: compare_runs(database, past.second.id, past.cached.id))
    assert not any((differences.parameters, differences.metrics, differences.data, differences.outcome))


QUESTIONS: dict[str, Callable[[Database], Any]] = {
    "runs": list_runs,
    "show": lambda database: show_run(database, "latest"),
    "artifacts": list_artifacts,
    "lineage": lambda database: trace(database, "1"),
    "downstream": lambda database: trace(database, "mnist", downstream=True),
    "diff": lambda database: compare_runs(database, "latest", "latest"),
}


@pytest.fixture(scope="module")
def one_run(in_memory: Path) -> History:
    history = History(in_memory / "one")
    history.run()
    return history


@pytest.mark.parametrize("question", QUESTIONS)
def test_five_runs_take_as_many_queries_as_one(question: str, past: Any, one_run: History):
    def queries(history: History) -> int:
        with open_database(history.location) as database:
            QUESTIONS[question](database)
            return database.queries

    assert queries(one_run) == queries(past.history) <= 10


def test_a_damaged_record_of_installed_packages_counts_as_none(past: Any):
    store = past.history.store
    context = store.get_context_by_type_and_name("pipeline_run", past.second.id)
    write_facts(store, context, {VERSIONS: '"tfx 1.21"'})

    assert answer(past.history, lambda database: show_run(database, past.second.id)).versions == {}
    assert answer(past.history, lambda database: compare_runs(database, past.first.id, past.second.id)).versions
