"""Evaluates as the stock executor does, and records beside the blessing which of the two models is better."""

from typing import Any

import tensorflow_model_analysis as tfma
from tfx.components.evaluator import executor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import proto_utils

from components.artifacts.champion import BEATS_BASELINE, DIFFERENCE, JUDGED_BY, STANDARD_ERROR
from components.artifacts.evaluation import read_evaluation
from components.artifacts.files import readable
from components.artifacts.metrics import Better, describe
from components.evaluator.eval_config import judging_metric


class Executor(executor.Executor):
    """The stock executor; the next Resolver reads from ML Metadata alone whether the candidate is better than its baseline."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates, and writes the custom properties of `components/artifacts/champion.py`."""
        super().Do(input_dict, output_dict, exec_properties)
        judged_by = judging_metric(proto_utils.json_to_proto(exec_properties["eval_config"], tfma.EvalConfig()))
        with readable(artifact_utils.get_single_uri(output_dict["evaluation"])) as directory:
            evaluation = read_evaluation(directory)
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        blessing.set_string_custom_property(JUDGED_BY, judged_by)
        if not input_dict.get("baseline_model"):
            return
        value, before = evaluation.metrics.get(judged_by), evaluation.baseline.get(judged_by)
        is_higher = describe(judged_by).better is Better.HIGHER
        # NaN is never better.
        is_better = value is not None and before is not None and (value > before if is_higher else value < before)
        blessing.set_int_custom_property(BEATS_BASELINE, int(is_better))
        if (difference := evaluation.differences.get(judged_by)) is not None:
            blessing.set_float_custom_property(DIFFERENCE, difference.mean)
            blessing.set_float_custom_property(STANDARD_ERROR, difference.standard_error)
