"""Spans under Kubeflow: each node is a step of its own, which finds earlier nights in ML Metadata."""

import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from support.light_pipeline import PROJECT
from support.spans import write_span

from pipelines.config import load_config
from pipelines.kubeflow import node
from pipelines.kubeflow.compile import upstream_of_nodes
from pipelines.kubeflow.parameters import Parameters, as_text
from pipelines.mlmd.connections import open_store

NODES = (
    "ImportSchemaGen",
    "ImageExampleGen",
    "StatisticsGen",
    "ExampleValidator",
    "KnownSpans",
    "ValidationGate",
    "TrainingSpans",
)
_Execution = metadata_store_pb2.Execution


def test_steps_read_new_spans_only_and_resolve_the_window(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    settings = (
        f"runtime.root={tmp_path / 'runs'}", f"data.images={tmp_path}/span-{{SPAN}}", "data.window=all", "data.shards=1",
        "data.schema_path=schema/schema.pbtxt", "kubeflow.volume_claim=null",
    )  # fmt: skip
    config = load_config(PROJECT / "pipelines" / "configs" / "smoke.yaml", settings, base=PROJECT)
    upstream = upstream_of_nodes(config)
    assert {"ImageExampleGen", "ValidationGate"} <= set(upstream["TrainingSpans"])
    assert "TrainingSpans" in upstream["Transform"]
    assert "TestSpans" in upstream["Evaluator"]

    def night(run_id: str) -> tuple[list[int], list[int], set[int]]:
        """The spans that are read, those of the window, and how the other nodes ended."""
        assert [node.run_node(name, run_id, as_text(config), Parameters.of(config)) for name in NODES] == [0] * len(NODES)
        store = open_store(config.metadata_location)
        found = store.get_executions_by_context(store.get_context_by_type_and_name("pipeline_run", run_id).id)
        in_run = sorted(found, key=lambda execution: execution.id)  # the last Resolver is TrainingSpans
        types = {type_.id: type_.name for type_ in store.get_execution_types()}
        spans: dict[str, list[int]] = {"ImageExampleGen": [], "Resolver": []}
        for execution in in_run:
            outputs = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)
            events = store.get_events_by_execution_ids([execution.id])
            made = [event.artifact_id for event in events if event.type in outputs and event.path.steps[0].key == "examples"]
            name = types[execution.type_id].rpartition(".")[2]
            if name in spans:
                spans[name] = sorted(one.properties["span"].int_value for one in store.get_artifacts_by_id(made))
        states = {execution.last_known_state for execution in in_run if "Resolver" not in types[execution.type_id]}
        return spans["ImageExampleGen"], spans["Resolver"], states

    write_span(tmp_path / "span-1", 1)
    assert night("first") == ([1], [1], {_Execution.COMPLETE})
    write_span(tmp_path / "span-2", 2)
    read, window, _ = night("second")
    assert (read, window) == ([2], [1, 2])
    assert night("no-op") == ([2], [1, 2], {_Execution.CACHED})

    write_span(tmp_path / "span-3", 3)
    shutil.copy(tmp_path / "span-1" / "train" / "0" / "0.png", tmp_path / "span-3" / "test" / "0" / "0.png")
    capfd.readouterr()
    ended = [node.run_node(name, "leak", as_text(config), Parameters.of(config)) for name in NODES[:6]]
    assert ended == [0, 0, 0, 0, 0, 1]
    assert "split 'test of span 3': 1 of 20 images are in split 'train of span 1' too" in "".join(capfd.readouterr())
