"""Resolver, Evaluator and Pusher together, from run to run of one pipeline; and the executor of the Pusher."""

import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_metadata
import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from tfx.components.pusher.component import Pusher
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, PushedModel
from tfx.utils import proto_utils

from components.artifacts.evaluation import Evaluation, read_evaluation
from components.evaluator.component import Evaluator
from components.evaluator.config import EvaluatorConfig
from components.evaluator.eval_config import build_eval_config
from components.pusher.executor import Executor
from components.resolver.strategy import ChampionStrategy
from pipelines.mlmd.decisions import Place, rollback
from pipelines.mlmd.location import sqlite_location

COMPLETE = metadata_store_pb2.Execution.COMPLETE
CACHED = metadata_store_pb2.Execution.CACHED


class Project:
    """One pipeline that judges and pushes models, and what each run of it leaves."""

    def __init__(self, root: Path, examples: Path) -> None:
        self.root, self.examples = root, examples
        self.serving = root / "serving"
        self.connection = metadata.sqlite_metadata_connection_config(str(root / "metadata.db"))

    def run(self, model: Path) -> None:
        examples = Importer(
            source_uri=str(self.examples), artifact_type=Examples, properties={"split_names": '["test"]'}
        ).with_id("examples")
        # Imported again, a model keeps its id, as one does that the Trainer takes out of the cache.
        trainer = Importer(source_uri=str(model), artifact_type=Model).with_id("Trainer")
        resolver = Resolver(
            strategy_class=ChampionStrategy,
            model=Channel(type=Model),
            model_blessing=Channel(type=ModelBlessing),
            pushed_model=Channel(type=PushedModel),
            candidate=trainer.outputs["result"],
        ).with_id("Resolver")
        evaluator = Evaluator(
            examples=examples.outputs["result"],
            model=trainer.outputs["result"],
            baseline_model=resolver.outputs["model"],
            example_splits=["test"],
            eval_config=build_eval_config(EvaluatorConfig(slice_by_label=False)),
        )
        pusher = Pusher(
            model=trainer.outputs["result"],
            model_blessing=evaluator.outputs["blessing"],
            push_destination=push_destination(str(self.serving)),
            custom_executor_spec=ExecutorClassSpec(Executor),
        )
        LocalDagRunner().run(
            Pipeline(
                pipeline_name="judge",
                pipeline_root=str(self.root / "artifacts"),
                components=[pusher, evaluator, resolver, trainer, examples],
                metadata_connection_config=self.connection,
                enable_cache=True,
                beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"],
            )
        )

    @property
    def store(self) -> ml_metadata.MetadataStore:
        return ml_metadata.MetadataStore(self.connection)

    def last_state(self, node: str) -> int:
        (context,) = [context for context in self.store.get_contexts_by_type("node") if context.name == f"judge.{node}"]
        return max(self.store.get_executions_by_context(context.id), key=lambda execution: execution.id).last_known_state

    def versions(self) -> list[Path]:
        return sorted(self.serving.iterdir(), key=lambda path: int(path.name)) if self.serving.exists() else []

    def last_verdict(self) -> Evaluation:
        artifacts = self.store.get_artifacts_by_type("ModelEvaluation")
        return read_evaluation(Path(max(artifacts, key=lambda artifact: artifact.id).uri))

    def last_pushed(self) -> dict[str, Any]:
        return self._last_properties("PushedModel")

    def last_blessing(self) -> dict[str, Any]:
        return self._last_properties("ModelBlessing")

    def _last_properties(self, type_name: str) -> dict[str, Any]:
        artifact = max(self.store.get_artifacts_by_type(type_name), key=lambda artifact: artifact.id)
        return {key: getattr(value, value.WhichOneof("value")) for key, value in artifact.custom_properties.items()}


def push_destination(base_directory: str) -> pusher_pb2.PushDestination:
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=base_directory)
    return pusher_pb2.PushDestination(filesystem=filesystem)


def kl_divergence(version: Path, digits: Any) -> float:
    """That of the served model: it tells which of ours it is."""
    (record,) = tf.data.TFRecordDataset(tf.io.gfile.glob(f"{digits.directory}/*/*"), "GZIP").take(1)
    outputs = tf.saved_model.load(str(version)).signatures["evaluate"](tf.expand_dims(record, 0))
    return float(outputs["kl_divergence"][0])


def test_only_a_model_that_is_not_worse_than_the_latest_blessed_one_is_pushed(
    tmp_path: Path, digits: Any, make_model: Callable[[float, float], Any]
) -> None:
    project = Project(tmp_path, digits.directory)
    for name, divergence in {"first": 3.0, "worse": 9.0, "tolerated": 3.6, "better": 2.5, "last": 2.7}.items():
        make_model(0.5, divergence).save(tmp_path / name / "Format-Serving")

    # Nothing to compare with: blessed, although the default configuration limits nothing but worsening.
    project.run(tmp_path / "first")
    (first,) = project.versions()
    assert kl_divergence(first, digits) == 3.0
    assert project.last_pushed().items() >= {
        ("pushed", 1),
        ("pushed_destination", str(first)),
        ("pushed_version", first.name),
    }

    # The same model again is no baseline for itself, is not judged again, and not pushed again.
    project.run(tmp_path / "first")
    assert project.versions() == [first]
    assert (project.last_state("Evaluator"), project.last_state("Pusher")) == (CACHED, CACHED)

    project.run(tmp_path / "worse")
    (reason,) = project.last_verdict().reasons
    assert reason == "negative_elbo 20.1 is 6.0 above the champion's 14.1, more than the 1.0 allowed"
    assert project.versions() == [first]
    assert project.last_pushed()["pushed"] == 0

    # Within the tolerance: pushed, but it does not lower the bar.
    project.run(tmp_path / "tolerated")
    assert [kl_divergence(version, digits) for version in project.versions()] == [3.0, pytest.approx(3.6)]
    assert project.last_blessing().items() >= {("beats_baseline", 0), ("judged_by", "negative_elbo")}
    assert project.last_blessing()["difference"] == pytest.approx(0.6)

    project.run(tmp_path / "better")
    assert project.last_verdict().baseline["kl_divergence"] == pytest.approx(3.0)
    old, _, newest = project.versions()
    assert (old, kl_divergence(newest, digits)) == (first, 2.5)
    assert project.last_blessing()["beats_baseline"] == 1

    # Taken back, it is no baseline for the next, which is compared with the one that a person went back to.
    place = Place("judge", str(tmp_path / "artifacts"), project.serving, sqlite_location(tmp_path / "metadata.db"))
    assert rollback(place, first.name, "blurred", lambda _: contextlib.nullcontext()).taken_back == int(newest.name)
    assert kl_divergence(project.versions()[-1], digits) == 3.0
    project.run(tmp_path / "last")
    assert project.last_verdict().baseline["kl_divergence"] == pytest.approx(3.0)
    assert (project.last_state("Evaluator"), project.last_state("Pusher")) == (COMPLETE, COMPLETE)


class Push:
    """The Pusher's executor, for a blessed model of one file of weights."""

    def __init__(self, directory: Path, base: str) -> None:
        self.directory, self.base = directory, base
        self.files = {"saved_model.pb": "graph", "assets.extra/tf_serving_warmup_requests": "w"}

    def run(self, weights: str) -> PushedModel:
        """Pushes in a new execution, with a new output."""
        self.files["variables/variables.index"] = weights
        for name, content in self.files.items():
            path = self.directory / "model" / "Format-Serving" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        model, blessing, pushed = Model(), ModelBlessing(), PushedModel()
        model.uri, pushed.uri = str(self.directory / "model"), str(self.directory / "pushed" / uuid.uuid4().hex)
        blessing.set_int_custom_property("blessed", 1)
        Executor().Do(
            {"model": [model], "model_blessing": [blessing]},
            {"pushed_model": [pushed]},
            {"push_destination": proto_utils.proto_to_json(push_destination(self.base))},
        )
        return pushed

    @property
    def versions(self) -> list[str]:
        return sorted(name.rstrip("/") for name in tf.io.gfile.listdir(self.base))


@pytest.fixture(params=["", "ram://"], ids=["on disk", "in an object store"])
def pushing(request: pytest.FixtureRequest, tmp_path: Path) -> Push:
    return Push(tmp_path, f"ram://{uuid.uuid4()}" if request.param else str(tmp_path / "serving"))


def test_every_file_of_the_model_is_pushed_and_archived(pushing: Push) -> None:
    for count, weights in enumerate(("first", "second"), 1):
        pushed = pushing.run(weights)
        version = pushing.versions[-1]
        assert len(pushing.versions) == count
        assert pushed.get_string_custom_property("pushed_version") == version
        assert pushed.get_string_custom_property("pushed_destination") == f"{pushing.base}/{version}"
        for directory in (f"{pushing.base}/{version}", pushed.uri):
            assert read_tree(directory) == pushing.files


def test_the_model_of_a_push_that_was_killed_before_it_was_recorded_is_not_pushed_again(pushing: Push) -> None:
    first, second = pushing.run("same"), pushing.run("same")
    (version,) = pushing.versions
    assert {pushed.get_string_custom_property("pushed_version") for pushed in (first, second)} == {version}
    assert second.get_int_custom_property("pushed") == 1
    assert read_tree(second.uri) == pushing.files


def test_a_model_is_pushed_again_if_its_version_is_damaged_or_another_has_been_pushed_since(pushing: Push) -> None:
    pushing.run("same")
    tf.io.gfile.remove(f"{pushing.base}/{pushing.versions[0]}/variables/variables.index")
    pushing.run("same")
    pushing.run("other")
    pushing.run("same")
    assert len(pushing.versions) == 4


def read_tree(directory: str) -> dict[str, str]:
    paths = [f"{folder}/{name}" for folder, _, names in tf.io.gfile.walk(directory) for name in names]
    return {path.removeprefix(directory).replace("//", "/").strip("/"): tf.io.gfile.GFile(path).read() for path in paths}
