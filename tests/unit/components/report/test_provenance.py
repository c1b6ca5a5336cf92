"""What made an artifact, from executions in ML Metadata itself."""

import json
from typing import Any

import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.report.provenance import Provenance, read_provenance


class Store:
    """ML Metadata in memory, and a short way to write what TFX writes."""

    def __init__(self) -> None:
        config = mlmd.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = metadata_store.MetadataStore(config)
        self.contexts: dict[tuple[str, str], int] = {}

    def artifact(self) -> int:
        type_ = self.store.put_artifact_type(mlmd.ArtifactType(name="Model"))
        artifact = mlmd.Artifact(type_id=type_, uri="/somewhere")
        artifact.custom_properties["tfx_version"].string_value = "1.21.0"
        return self.store.put_artifacts([artifact])[0]

    def execution(self, node: str, run: str, output: int, state: Any = mlmd.Execution.COMPLETE, **properties: str) -> None:
        type_ = self.store.put_execution_type(mlmd.ExecutionType(name=f"components.{node}"))
        execution = mlmd.Execution(type_id=type_, last_known_state=state)
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        [identity] = self.store.put_executions([execution])
        [written] = self.store.get_executions_by_id([identity])
        event = mlmd.Event(execution_id=identity, artifact_id=output, type=mlmd.Event.OUTPUT)
        event.milliseconds_since_epoch = written.create_time_since_epoch + 2500
        names = {"pipeline": "digits", "pipeline_run": run, "node": f"digits.{node}"}
        associations = [
            mlmd.Association(context_id=self.context(kind, name), execution_id=identity) for kind, name in names.items()
        ]
        self.store.put_events([event])
        self.store.put_attributions_and_associations([], associations)

    def context(self, kind: str, name: str) -> int:
        if (kind, name) not in self.contexts:
            type_ = self.store.put_context_type(mlmd.ContextType(name=kind))
            [self.contexts[kind, name]] = self.store.put_contexts([mlmd.Context(type_id=type_, name=name)])
        return self.contexts[kind, name]


@pytest.fixture
def store() -> Store:
    return Store()


def test_an_artifact_out_of_the_cache_was_made_by_the_run_that_did_the_work(store: Store):
    examples, model = store.artifact(), store.artifact()
    store.execution("ExampleGen", "monday", examples)
    store.execution("ExampleGen", "tuesday", examples, mlmd.Execution.CACHED)
    store.execution("Trainer", "tuesday", model)
    found = read_provenance(store.store, [model, examples])
    assert [(step.node, step.run, step.seconds) for step in found.steps] == [
        ("ExampleGen", "monday", 2.5),
        ("Trainer", "tuesday", 2.5),
    ]
    assert (found.run_of("Trainer"), found.run_of("Pusher")) == ("tuesday", "")


def test_it_is_the_same_however_often_the_artifacts_come_out_of_the_cache(store: Store):
    model = store.artifact()
    store.execution("Trainer", "monday", model, custom_config="{}")
    before = read_provenance(store.store, [model], model=model)
    store.execution("Trainer", "tuesday", model, mlmd.Execution.CACHED)
    assert read_provenance(store.store, [model], model=model) == before


def test_two_outputs_of_one_execution_are_one_step(store: Store):
    first, second = store.artifact(), store.artifact()
    store.execution("Trainer", "monday", first)
    [execution] = store.store.get_executions()
    store.store.put_events(
        [mlmd.Event(execution_id=execution.id, artifact_id=second, type=mlmd.Event.OUTPUT, milliseconds_since_epoch=1)]
    )
    assert [step.node for step in read_provenance(store.store, [first, second]).steps] == ["Trainer"]


def test_the_settings_are_what_the_trainer_was_given(store: Store):
    model, baseline = store.artifact(), store.artifact()
    settings = {"model": json.dumps({"kind": "vae", "unknown_today": 1}), "trainer": json.dumps({"epochs": 3})}
    store.execution("Trainer", "monday", baseline)
    store.execution("Trainer", "tuesday", model, custom_config=json.dumps(settings))
    found = read_provenance(store.store, [model], model=model, baseline=baseline)
    assert found.model == {"kind": "vae", "unknown_today": 1}
    assert found.trainer == {"epochs": 3}
    assert (found.tfx_version, found.baseline_run) == ("1.21.0", "monday")


def test_what_nothing_made_has_no_provenance(store: Store):
    model = store.artifact()
    assert read_provenance(store.store, [model], model=model) == Provenance(tfx_version="1.21.0")
