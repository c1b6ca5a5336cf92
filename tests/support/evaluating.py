"""The Evaluator, called as TFX calls it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation
from tfx.utils import json_utils, proto_utils

from components.artifacts.evaluation import Evaluation, read_evaluation
from components.artifacts.feature_classifier import write_training_features
from components.evaluator.config import EvaluatorConfig
from components.evaluator.eval_config import USER_FUNCTIONS, build_eval_config
from components.evaluator.executor import Executor
from components.feature_classifier.training import FeatureExtractor, build_classifier
from pipelines.beam.config import BeamConfig

EVERYTHING: dict[str, Any] = {
    "importance_weighted": {"samples": 7, "images": 20},
    "latent_space": {"images": 40},
    "frechet_distance": {"images": 50},
    # On every slice TFMA looks for what has a threshold, also where it has no meaning.
    "thresholds": {
        "latent_probe_accuracy/knn": {"lower": 0.0},
        "coverage": {"lower": 0.0},
        "data_copying": {"upper": 1.0},
        "iw_nll": {"upper": 7.0},
        "frechet_distance": {"lower": 0.0},
        "ssim": {"lower": 0.0, "upper": 1.0},
    },
}
"""Settings by which every metric of a model that answers everything is computed."""


def write_classifier(directory: Path) -> None:
    """Writes what a FeatureClassifier does, for images of 4 x 4 pixels."""
    FeatureExtractor(build_classifier((4, 4, 1), 10), (4, 4, 1)).save(str(directory / "saved_model"))
    write_training_features(str(directory), [np.random.default_rng(2).random((30, 4, 4, 1))] * 2)


def evaluate(
    directory: Path,
    settings: dict[str, Any],
    examples: Path,
    candidate: Any,
    baseline: Any = None,
    beam: Sequence[str] = tuple(BeamConfig().pipeline_args()),
    **more: str,
) -> Evaluation:
    """Evaluates a model, and says what the blessing artifact and the verdict agree on.

    Args:
      directory: For all that is written.
      settings: Of the Evaluator.
      examples: An Examples artifact with the split `test`.
      candidate: The model.
      baseline: What it is compared with.
      beam: Options of Beam.
      more: What else `build_eval_config` takes.
    """
    data = Examples()
    data.uri, data.split_names = str(examples), '["test"]'
    evaluation, blessing = ModelEvaluation(), ModelBlessing()
    evaluation.uri, blessing.uri = str(directory / "evaluation"), str(directory / "blessing")
    inputs = {"examples": [data], "model": [_saved(directory / "candidate", candidate)]}
    if baseline:
        inputs["baseline_model"] = [_saved(directory / "baseline", baseline)]
    config = EvaluatorConfig.model_validate(settings)
    context = BaseBeamExecutor.Context(beam_pipeline_args=list(beam), tmp_dir=str(directory), unique_id="1")
    Executor(context).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(build_eval_config(config, **more)),
            "example_splits": json_utils.dumps(["test"]),
            "module_path": USER_FUNCTIONS,
        },
    )
    verdict = read_evaluation(directory / "evaluation")
    assert verdict.blessed == bool(blessing.get_int_custom_property("blessed"))
    assert verdict.blessed == (not verdict.reasons)
    return verdict


def _saved(directory: Path, model: Any) -> Model:
    artifact = Model()
    artifact.uri = str(directory)
    model.save(directory / "Format-Serving")
    return artifact
