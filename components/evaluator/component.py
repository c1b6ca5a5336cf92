"""The stock Evaluator, whose blessing also says whether the candidate is better than the baseline."""

from tfx.components import Evaluator as StockEvaluator
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.evaluator.executor import Executor


class Evaluator(StockEvaluator):
    """TFX's Evaluator with our executor: same inputs, outputs and parameters."""

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
