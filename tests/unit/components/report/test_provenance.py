"""What made an artifact, from executions in ML Metadata itself."""

import json

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from support.executions import Executions

from components.report.provenance import Provenance, read_provenance


@pytest.fixture
def store() -> Executions:
    return Executions()


def test_an_artifact_out_of_the_cache_was_made_by_the_run_that_did_the_work(store: Executions):
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


def test_it_is_the_same_however_often_the_artifacts_come_out_of_the_cache(store: Executions):
    model = store.artifact()
    store.execution("Trainer", "monday", model, custom_config="{}")
    before = read_provenance(store.store, [model], model=model)
    store.execution("Trainer", "tuesday", model, mlmd.Execution.CACHED)
    assert read_provenance(store.store, [model], model=model) == before


def test_two_outputs_of_one_execution_are_one_step(store: Executions):
    first, second = store.artifact(), store.artifact()
    store.execution("Trainer", "monday", first)
    [execution] = store.store.get_executions()
    store.store.put_events(
        [mlmd.Event(execution_id=execution.id, artifact_id=second, type=mlmd.Event.OUTPUT, milliseconds_since_epoch=1)]
    )
    assert [step.node for step in read_provenance(store.store, [first, second]).steps] == ["Trainer"]


def test_the_settings_are_what_the_trainer_was_given(store: Executions):
    model, baseline = store.artifact(), store.artifact()
    settings = {"model": json.dumps({"kind": "vae", "unknown_today": 1}), "trainer": json.dumps({"epochs": 3})}
    store.execution("Trainer", "monday", baseline)
    store.execution("Trainer", "tuesday", model, custom_config=json.dumps(settings))
    found = read_provenance(store.store, [model], model=model, baseline=baseline)
    assert found.model == {"kind": "vae", "unknown_today": 1}
    assert found.trainer == {"epochs": 3}
    assert (found.tfx_version, found.baseline_run) == ("1.21.0", "monday")


def test_what_nothing_made_has_no_provenance(store: Executions):
    model = store.artifact()
    assert read_provenance(store.store, [model], model=model) == Provenance(tfx_version="1.21.0")
