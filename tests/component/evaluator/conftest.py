"""The stock Evaluator, called as TFX calls it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation
from tfx.utils import json_utils, proto_utils

from components.artifacts.evaluation import Evaluation, read_evaluation
from components.evaluator.config import EvaluatorConfig
from components.evaluator.eval_config import USER_FUNCTIONS, build_eval_config
from components.evaluator.executor import Executor


@pytest.fixture(scope="session")
def evaluate(digits: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Evaluation]:
    """Evaluates a model, and says what the blessing artifact and the verdict agree on.

    The fixture's function takes the configuration of the Evaluator, the model and perhaps its baseline; `examples` other than
    the digits, the directory `into` which it writes, and what else `build_eval_config` takes.
    """

    def saved(directory: Path, model: Any) -> Model:
        artifact = Model()
        artifact.uri = str(directory)
        model.save(directory / "Format-Serving")
        return artifact

    def run(
        settings: dict[str, Any],
        candidate: Any,
        baseline: Any = None,
        examples: Path = digits.directory,
        into: Path | None = None,
        **more: str,
    ) -> Evaluation:
        directory = into or tmp_path_factory.mktemp("evaluate")
        data = Examples()
        data.uri, data.split_names = str(examples), '["test"]'
        evaluation, blessing = ModelEvaluation(), ModelBlessing()
        evaluation.uri, blessing.uri = str(directory / "evaluation"), str(directory / "blessing")
        inputs = {"examples": [data], "model": [saved(directory / "candidate", candidate)]}
        if baseline:
            inputs["baseline_model"] = [saved(directory / "baseline", baseline)]
        config = EvaluatorConfig.model_validate(settings)
        context = BaseBeamExecutor.Context(
            beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"], tmp_dir=str(directory), unique_id="1"
        )
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

    return run
