"""Real searches: in a pipeline, whose Trainer uses the best; killed and continued; by samples."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from support.light_pipeline import configure, prepare_dataset, run_light
from tfx.components.tuner.executor import Executor
from tfx.types import standard_artifacts

from components.artifacts.feature_classifier import FEATURES
from components.artifacts.features import Binarization
from components.artifacts.tuning import read_best_settings, read_tuning
from components.models.config import ModelConfig
from components.trainer.config import CustomConfig, TrainerConfig
from components.tuner.config import Dimension, Objective, Search, SearchSettings, TunerConfig
from pipelines.config import PipelineConfig
from pipelines.local.display import NodeResult, NodeState
from pipelines.mlmd.connections import open_store

PROJECT = Path(__file__).parents[3]
KILLED = """
import json, sys
from tfx.components.trainer.fn_args_utils import FnArgs
from components.tuner.search import open_search
open_search(FnArgs(**json.loads(sys.argv[1]))).search()
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    root = tmp_path_factory.mktemp("pipeline")
    return configure(
        root / "runs", prepare_dataset(root / "data"), "tuner.enabled=true", "tuner.search=random", "tuner.trials=2",
        "tuner.space={model.latent_dim: [3, 5]}", "trainer.epochs=1", "model.hidden_units=[8]",
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(config: PipelineConfig) -> dict[str, NodeResult]:
    """Of a pipeline that searches and trains."""
    return run_light(config, until="Trainer")


@pytest.fixture(scope="module")
def images(results: dict[str, NodeResult]) -> tuple[Path, Path]:
    """The directories of the transformed images and of their graph."""
    outputs = (results["Transform"].outputs[name] for name in ("transformed_examples", "transform_graph"))
    examples, graph = (Path(artifact.uri) for [artifact] in outputs)
    return examples, graph


def settings(root: Path, objective: Objective, space: dict[str, Dimension], classifier: str = "") -> SearchSettings:
    return SearchSettings(
        tuner=TunerConfig(search=Search.RANDOM, objective=objective, trials=2, space=space),
        training=CustomConfig(
            model=ModelConfig(hidden_units=(8,), latent_dim=2),
            trainer=TrainerConfig(epochs=1, batch_size=10),
            binarization=Binarization.NONE,
            checkpoint_dir=str(root / "checkpoints"),
        ),
        directory=str(root / "tuning"),
        classifier=classifier,
        classifier_images=4,
    )


def search(images: tuple[Path, Path], root: Path, settings: SearchSettings) -> tuple[Path, Path]:
    """Runs TFX's executor; returns the directories of the best settings and of the trials."""
    examples, graph = standard_artifacts.Examples(), standard_artifacts.TransformGraph()
    examples.uri, graph.uri = map(str, images)
    examples.split_names = '["train", "eval"]'
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    best, results = standard_artifacts.HyperParameters(), standard_artifacts.TunerResults()
    best.uri, results.uri = str(root / "best"), str(root / "results")
    parameters: dict[str, Any] = {
        "tuner_fn": "components.tuner.search.tuner_fn",
        "train_args": "{}",
        "eval_args": "{}",
        "custom_config": settings.model_dump_json(),
    }
    Executor(Executor.Context(tmp_dir=str(root / "tmp"), unique_id="1")).Do(
        {"examples": [examples], "transform_graph": [graph]},
        {"best_hyperparameters": [best], "tuner_results": [results]},
        parameters,
    )
    return Path(best.uri), Path(results.uri)


def test_a_killed_search_keeps_its_trials_and_continues_with_the_next(images: tuple[Path, Path], tmp_path: Path):
    space = {"model.latent_dim": Dimension(min=2, max=9), "trainer.learning_rate": Dimension(min=1e-3, max=1e-2)}
    told = settings(tmp_path, Objective.NEGATIVE_ELBO, space)
    patterns = {f"{split}_files": [f"{images[0]}/Split-{split}/*"] for split in ("train", "eval")}
    arguments = {**patterns, "transform_graph_path": str(images[1]), "custom_config": told.model_dump(mode="json")}
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen([sys.executable, "-c", KILLED, json.dumps(arguments)], cwd=PROJECT, env=environment)
    # Two steps for each trial, from 0: its beginning and its end.
    while not list(tmp_path.glob("tuning/*/step-000002")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    [first] = tmp_path.glob("tuning/*/step-*/trial_0/trial.json")
    score = json.loads(first.read_text())["score"]

    found = read_tuning(*search(images, tmp_path, told))

    assert sorted(trial.number for trial in found.trials) == [1, 2]
    assert [trial.score for trial in found.trials if trial.number == 1] == [score]
    assert found.objective == "negative_elbo"
    assert {axis.key: (axis.low, axis.high) for axis in found.axes} == {
        "model.latent_dim": (2, 9), "trainer.learning_rate": (1e-3, 1e-2),
    }  # fmt: skip
    # The first was not trained again.
    [curves] = tmp_path.glob("tuning/*/curves/0/eval")
    assert len(list(curves.iterdir())) == 1
    assert not list((tmp_path / "checkpoints").glob("*"))


class Brightness(tf.Module):
    """Instead of a classifier: its features are the mean pixels of the upper and of the lower half."""

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 1], tf.float32, name="image")])
    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        halves = tf.reduce_mean(tf.reshape(image, [-1, 2, 2 * 4]), axis=2)
        return {FEATURES: halves}


def test_samples_are_compared_with_images_in_the_features_of_the_classifier(images: tuple[Path, Path], tmp_path: Path):
    module = Brightness()
    tf.saved_model.save(module, str(tmp_path / "classifier" / "saved_model"), signatures={FEATURES: module.__call__})
    space = {"model.prior": Dimension(choices=("standard_normal", "mixture")), "model.beta": Dimension(choices=(0.0, 1.0))}
    told = settings(tmp_path, Objective.FRECHET_DISTANCE, space, str(tmp_path / "classifier"))
    best, results = search(images, tmp_path, told)

    found = read_tuning(best, results)
    assert found.objective == "frechet_distance"
    assert 0 < found.trials[0].score < found.trials[1].score < 1
    assert read_best_settings(best) == found.trials[0].settings


def test_the_trainer_uses_the_best_settings_and_ml_metadata_knows_where_they_come_from(
    config: PipelineConfig, results: dict[str, NodeResult]
):
    assert "Evaluator" not in results
    [best] = results["Tuner"].outputs["best_hyperparameters"]
    chosen = read_best_settings(Path(best.uri))
    [model] = results["Trainer"].outputs["model"]
    loaded = tf.saved_model.load(f"{model.uri}/Format-Serving")
    assert chosen["model.latent_dim"] in (3, 5)
    assert loaded.signatures["decode"].structured_input_signature[1]["latent"].shape == [None, chosen["model.latent_dim"]]
    store = open_store(config.metadata_location)
    [event] = [each for each in store.get_events_by_artifact_ids([best.id]) if each.path.steps[0].key == "hyperparameters"]
    assert event.execution_id == results["Trainer"].execution_id

    again = run_light(config, until="Tuner")
    assert again["Tuner"].state is NodeState.CACHED
    assert "Trainer" not in again
