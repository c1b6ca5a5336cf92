"""The module that the parameter `module_path` of the stock Evaluator names; the Evaluator calls `custom_extractors`."""

import json
from typing import Any

from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.api.types import MaybeMultipleEvalSharedModels
from tensorflow_model_analysis.extractors.extractor import Extractor
from tensorflow_model_analysis.extractors.predictions_extractor import PREDICTIONS_EXTRACTOR_STAGE_NAME
from tensorflow_model_analysis.proto.config_pb2 import EvalConfig
from tensorflow_model_analysis.utils.model_util import verify_and_update_eval_shared_models

from components.evaluator.metrics import ImportanceWeightedNll
from components.evaluator.prediction_extractor import BINARIZED, Questions, further_predictions
from components.evaluator.sample_metrics import FrechetDistance


def custom_extractors(
    eval_shared_model: MaybeMultipleEvalSharedModels, eval_config: EvalConfig, tensor_adapter_config: Any
) -> list[Extractor]:
    """TFMA's own extractors, and one that computes what the configured metrics need in addition to `evaluate`."""
    extractors = model_eval_lib.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    )
    after = [extractor.stage_name for extractor in extractors].index(PREDICTIONS_EXTRACTOR_STAGE_NAME) + 1
    models = verify_and_update_eval_shared_models(eval_shared_model)
    return [*extractors[:after], further_predictions(models, questions_of(eval_config)), *extractors[after:]]


def questions_of(eval_config: EvalConfig) -> Questions:
    """The values that the metrics of an EvalConfig need in addition to `evaluate`."""
    questions = Questions()
    for metric in (metric for spec in eval_config.metrics_specs for metric in spec.metrics):
        config = json.loads(metric.config or "{}")
        if config.get("name", "").startswith(BINARIZED):
            questions = questions._replace(binarized=True)
        if metric.class_name == ImportanceWeightedNll.__name__:
            questions = questions._replace(iw_samples=config["samples"], iw_images=config["images"])
        if metric.class_name == FrechetDistance.__name__:
            questions = questions._replace(classifier=config["classifier"], compared_images=config["images"])
    return questions
