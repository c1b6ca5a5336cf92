"""A run for which nothing has changed is recorded as served from the cache. Any change, or doubt, goes through TFX."""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from rich.console import Console
from support.history import CACHED, FAILED, History, PastRun, records

from pipelines.config import PipelineConfig, validate
from pipelines.local import unchanged
from pipelines.local.display import NodeResult, RunDisplay


def configure(root: Path, **sections: dict[str, Any]) -> PipelineConfig:
    values: dict[str, Any] = {"name": "mnist-vae", "runtime": {"root": str(root / "runs")}}
    values["data"] = {"manual_dir": str(root / "source")}
    return validate(values | {name: values.get(name, {}) | section for name, section in sections.items()}, "test")


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "images.gz").write_bytes(b"images")
    return configure(tmp_path)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "runs")


@pytest.fixture
def last(config: PipelineConfig, history: History) -> PastRun:
    """A run with a champion, which prepared the dataset and remembered what it read."""
    champion = history.run(elbo=95.0)
    before = unchanged.files_read(config)
    prepared = config.data_dir / "mnist" / "3.0.1"
    prepared.mkdir(parents=True)
    (prepared / "mnist-train.tfrecord").write_bytes(b"records")
    run = history.run(baseline=champion)
    unchanged.remember(config, run.id, before)
    return run


@pytest.fixture
def repeat(tmp_path: Path) -> Callable[..., dict[str, NodeResult] | None]:
    def call(config: PipelineConfig, run_id: str = "now") -> dict[str, NodeResult] | None:
        log = tmp_path / "run.log"
        log.touch()
        console = Console(file=io.StringIO())
        return unchanged.repeat(config, run_id, log, RunDisplay(console), unchanged.files_read(config))

    return call


def test_a_run_is_recorded_as_if_tfx_had_served_every_component_from_the_cache(
    config: PipelineConfig, history: History, last: PastRun, repeat: Any
):
    results = repeat(config)

    assert list(results) == list(last.executions)
    assert {node for node, result in results.items() if result.state == "ran"} == {"BaselineResolver"}
    [model] = results["Trainer"].outputs["model"]
    assert model.id == last.artifacts["model"]
    before, after = records(history.store, last.id), records(history.store, "now")
    assert after == [(node, state if "Resolver" in node else CACHED, *rest) for node, state, *rest in before]
    run = history.store.get_context_by_type_and_name("pipeline_run", "now")
    assert run.custom_properties["state"].string_value == "complete"


def test_the_run_after_it_is_served_from_it(config: PipelineConfig, history: History, last: PastRun, repeat: Any):
    assert repeat(config) is not None
    assert repeat(config, "later") is not None
    assert records(history.store, "later") == records(history.store, "now")


@pytest.mark.usefixtures("last")
def test_a_change_of_what_decides_the_result_goes_through_tfx(
    config: PipelineConfig, tmp_path: Path, repeat: Any, monkeypatch: pytest.MonkeyPatch
):
    assert repeat(configure(tmp_path, trainer={"epochs": 7})) is None
    assert repeat(configure(tmp_path, runtime={"cache": False})) is None
    with monkeypatch.context() as patched:
        patched.setattr(unchanged, "installed_versions", lambda: {"tensorflow": "2.99"})
        assert repeat(config) is None
    with monkeypatch.context() as patched:
        patched.setattr(unchanged, "_source_digest", lambda: "edited")
        assert repeat(config) is None
    source = tmp_path / "source" / "images.gz"
    os.utime(source, ns=(1, 1))
    assert repeat(config) is None


@pytest.mark.usefixtures("last")
@pytest.mark.parametrize("path", ["source/new.gz", "runs/datasets/mnist/3.0.1/mnist-test.tfrecord"])
def test_a_new_file_of_images_goes_through_tfx(config: PipelineConfig, tmp_path: Path, repeat: Any, path: str):
    (tmp_path / path).write_bytes(b"more")
    assert repeat(config) is None


@pytest.mark.parametrize("section", [{"notify": {"command": "true"}}, {"runtime": {"parallel_nodes": 1}}])
@pytest.mark.usefixtures("last")
def test_what_only_says_who_is_told_or_how_many_run_at_once_does_not(tmp_path: Path, repeat: Any, section: dict[str, Any]):
    assert repeat(configure(tmp_path, **section)) is not None


@pytest.mark.parametrize("record", ["failed", "canceled", "running"])
@pytest.mark.usefixtures("last")
def test_a_later_run_that_did_not_end_well_goes_through_tfx(config: PipelineConfig, history: History, repeat: Any, record: str):
    history.run(stops_at="Trainer", stops_as=FAILED, record=record)
    assert repeat(config) is None


@pytest.mark.usefixtures("last")
def test_a_later_run_of_other_settings_goes_through_tfx(config: PipelineConfig, history: History, repeat: Any):
    history.run(epochs=4)
    assert repeat(config) is None


def test_a_result_that_was_deleted_goes_through_tfx(config: PipelineConfig, history: History, last: PastRun, repeat: Any):
    [model] = history.store.get_artifacts_by_id([last.artifacts["model"]])
    shutil.move(model.uri, f"{model.uri}.gone")
    assert repeat(config) is None
    shutil.move(f"{model.uri}.gone", model.uri)
    assert repeat(config) is not None
    model.state = mlmd.Artifact.DELETED
    history.store.put_artifacts([model])
    assert repeat(config) is None


def test_files_that_changed_during_a_run_are_not_remembered(
    config: PipelineConfig, history: History, tmp_path: Path, repeat: Any
):
    before = unchanged.files_read(config)
    run = history.run()
    (tmp_path / "source" / "images.gz").write_bytes(b"other images")
    unchanged.remember(config, run.id, before)
    assert repeat(config) is None


def test_without_an_earlier_run_there_is_nothing_to_repeat(config: PipelineConfig, repeat: Any):
    assert repeat(config) is None


def test_all_files_below_the_fixed_part_of_a_pattern_count(tmp_path: Path):
    (tmp_path / "spans" / "span-1").mkdir(parents=True)
    (tmp_path / "spans" / "span-1" / "a.png").write_bytes(b"png")
    config = configure(tmp_path, data={"images": str(tmp_path / "spans" / "span-{SPAN}")})
    assert [Path(path).name for path in unchanged.files_read(config)] == ["a.png"]
