"""Real digits as raw examples and as the real Transform leaves them, and the real `run_fn` on them."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import TFTransformOutput
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from components.artifacts.features import IMAGE, LABEL, Binarization
from components.artifacts.history import HISTORY_FILE
from components.artifacts.images import image_shape
from components.models.config import ModelConfig
from components.trainer import run
from components.trainer.config import CustomConfig, Distribution, TrainerConfig
from components.trainer.distribution import open_replicas
from components.trainer.input_data import open_images
from components.trainer.run import TrainingArguments
from components.transform.executor import Executor
from pipelines.beam.config import BeamConfig

PROJECT = Path(__file__).parents[2]
SIZES = {"train": 300, "eval": 60, "test": 40}
BEAM = BeamConfig().pipeline_args()
MODELS: dict[str, dict[str, Any]] = {
    "vae": {"kind": "vae", "latent_dim": 4, "prior": "mixture", "prior_components": 3},
    "ae": {"kind": "ae", "latent_dim": 4, "network": "conv", "filters": (4, 8), "precision": "bfloat16"},
}
"""Small ones, which between them have much of what a model can have."""


@dataclass(frozen=True)
class Transformed:
    """What Transform made of raw examples.

    Attributes:
      raw: By split, the serialized raw examples.
      graph: The transform graph's directory.
      examples: The transformed examples' directory.
    """

    raw: dict[str, list[bytes]]
    graph: Path
    examples: Path

    def images(self, split: str) -> np.ndarray:
        """The materialised images of a split, float32 [N, height, width, channels]."""
        shape = image_shape(TFTransformOutput(str(self.graph)))
        source = open_images([self.pattern(split)], shape, split, memory_limit=2**30, seed=0)
        return np.concatenate([batch.numpy() for batch in source.in_order(1000)])

    def pattern(self, split: str) -> str:
        return str(self.examples / f"Split-{split}" / "*")


def read_digits(count: int) -> np.ndarray:
    """The first training digits of MNIST, uint8 [count, 28, 28, 1]."""
    with gzip.open(PROJECT / "data" / "mnist" / "train-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16).reshape(count, 28, 28, 1)


def raw_examples(images: np.ndarray) -> list[bytes]:
    """Serialized tf.Examples with PNG images; the label of the n-th is n modulo 10."""
    examples = []
    for number, image in enumerate(images):
        example = tf.train.Example()
        example.features.feature[IMAGE].bytes_list.value.append(tf.io.encode_png(image).numpy())
        example.features.feature[LABEL].int64_list.value.append(number % 10)
        examples.append(example.SerializeToString())
    return examples


def transform(
    splits: dict[str, list[bytes]],
    directory: Path,
    normalization: str = "unit",
    image_shape: list[int] | None = None,
    schema: str = "schema.pbtxt",
    fit: str = "pad",
    background: Sequence[int] = (0, 0, 0),
    beam: Sequence[str] = BEAM,
) -> Transformed:
    """Runs the real Transform executor over raw examples."""
    config = {"normalization": normalization, "image_shape": image_shape, "fit": fit, "background": list(background)}
    transform_spans([write_raw(directory / "raw", splits)], directory, config, schema, beam=beam)
    return Transformed(splits, directory / "transform_graph", directory / "transformed_examples")


def write_raw(directory: Path, splits: dict[str, list[bytes]]) -> standard_artifacts.Examples:
    """Writes raw examples as an ExampleGen does."""
    for split, examples in splits.items():
        (directory / f"Split-{split}").mkdir(parents=True)
        with tf.io.TFRecordWriter(str(directory / f"Split-{split}" / "data-00000-of-00001.gz"), "GZIP") as writer:
            for example in examples:
                writer.write(example)
    raw = standard_artifacts.Examples()
    raw.uri = str(directory)
    raw.split_names = json.dumps(list(splits))
    raw.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    return raw


def transform_spans(
    spans: list[standard_artifacts.Examples],
    directory: Path,
    config: dict[str, Any],
    schema: str = "schema.pbtxt",
    cache: standard_artifacts.TransformCache | None = None,
    beam: Sequence[str] = BEAM,
) -> dict[str, list[Artifact]]:
    """Runs the real Transform executor over spans, perhaps with the `analyzer_cache` of an earlier one; returns its outputs."""
    (directory / "schema").mkdir(parents=True)
    (directory / "schema" / "schema.pbtxt").write_text((PROJECT / "schema" / schema).read_text())
    outputs: dict[str, list[Artifact]] = {
        "transform_graph": [standard_artifacts.TransformGraph()],
        "transformed_examples": [standard_artifacts.Examples()],
        "updated_analyzer_cache": [standard_artifacts.TransformCache()],
    }
    for name, [artifact] in outputs.items():
        artifact.uri = str(directory / name)
    schema_artifact = standard_artifacts.Schema()
    schema_artifact.uri = str(directory / "schema")
    context = BaseBeamExecutor.Context(beam_pipeline_args=list(beam), tmp_dir=str(directory / "tmp"), unique_id="1")
    Executor(context).Do(
        {"examples": spans, "schema": [schema_artifact], **({"analyzer_cache": [cache]} if cache else {})},
        outputs,
        {
            "preprocessing_fn": "components.transform.executor.preprocessing_fn",
            "custom_config": json.dumps(config),
            "disable_statistics": 1,
            "force_tf_compat_v1": 0,
        },
    )
    return outputs


@dataclass(frozen=True)
class Learnt:
    """How a training went.

    Attributes:
      history: What history.json holds.
    """

    history: dict[str, Any]

    def curves(self) -> list[dict[str, Any]]:
        """The epochs without their wall time."""
        return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in self.history["epochs"]]


@dataclass(frozen=True)
class Fitted(Learnt):
    """What a training came to that exported nothing.

    Attributes:
      weights: The model's.
    """

    weights: list[np.ndarray]


@dataclass(frozen=True)
class Trained(Learnt):
    """What `run_fn` wrote.

    Attributes:
      serving_model: The SavedModel.
      model_run: TensorBoard logs.
      checkpoints: Where checkpoints were kept meanwhile.
    """

    serving_model: Path
    model_run: Path
    checkpoints: Path


def training_arguments(
    data: Transformed,
    directory: Path,
    model: dict[str, Any] | None = None,
    trainer: dict[str, Any] | None = None,
    binarization: str = "none",
    base_model: Path | None = None,
) -> FnArgs:
    """What the stock Trainer would hand to `run_fn`, for a small model."""
    model_config = ModelConfig(**{"hidden_units": (32,), "latent_dim": 4, **(model or {})})
    trainer_config = TrainerConfig(**{"epochs": 2, "batch_size": 50, **(trainer or {})})
    return FnArgs(
        train_files=[data.pattern("train")],
        eval_files=[data.pattern("eval")],
        transform_output=str(data.graph),
        serving_model_dir=str(directory / "model" / "Format-Serving"),
        model_run_dir=str(directory / "model_run"),
        base_model=None if base_model is None else str(base_model),
        custom_config=CustomConfig(
            model=model_config,
            trainer=trainer_config,
            binarization=Binarization(binarization),
            checkpoint_dir=str(directory / "checkpoints"),
        ).model_dump(mode="json"),
    )


def fit(
    data: Transformed,
    directory: Path,
    model: dict[str, Any] | None = None,
    trainer: dict[str, Any] | None = None,
    binarization: str = "none",
    base_model: Path | None = None,
) -> Fitted:
    """Trains a small model as `run_fn` does, but for the export; `model` and `trainer` hold the settings that differ."""
    arguments = TrainingArguments.of(training_arguments(data, directory, model, trainer, binarization, base_model))
    trained = run.fit(arguments, open_replicas(Distribution.NONE))
    return Fitted(json.loads(trained.history.to_json()), trained.model.get_weights())


def train(
    data: Transformed, directory: Path, model: dict[str, Any] | None = None, trainer: dict[str, Any] | None = None
) -> Trained:
    """Trains and exports a small model with the real `run_fn`; `model` and `trainer` hold the settings that differ."""
    run.run_fn(training_arguments(data, directory, model, trainer))
    return read_trained(directory)


def read_trained(directory: Path) -> Trained:
    """What a training wrote below the directory that it was given."""
    history = json.loads((directory / "model" / HISTORY_FILE).read_text())
    return Trained(history, directory / "model" / "Format-Serving", directory / "model_run", directory / "checkpoints")
