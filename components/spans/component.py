"""TFX's StatisticsGen and ExampleValidator with our executors: same inputs, outputs and parameters."""

from tfx.components import ExampleValidator as StockExampleValidator
from tfx.components import StatisticsGen as StockStatisticsGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec, ExecutorClassSpec
from tfx.types.channel import BaseChannel

from components.source_digest import source_digest
from components.spans import anomalies, statistics

_DIGEST = "source_digest"


class StatisticsGen(StockStatisticsGen):
    """Describes each of several spans; the stock component takes one Examples artifact."""

    EXECUTOR_SPEC = BeamExecutorSpec(statistics.Executor)

    def __init__(self, examples: BaseChannel, schema: BaseChannel | None = None) -> None:
        """Takes raw examples and their schema, if there is one."""
        super().__init__(examples=examples, schema=schema)
        self.exec_properties[_DIGEST] = source_digest("components.spans.statistics")


class ExampleValidator(StockExampleValidator):
    """Compares the statistics of each of several spans with the schema."""

    EXECUTOR_SPEC = ExecutorClassSpec(anomalies.Executor)

    def __init__(self, statistics: BaseChannel, schema: BaseChannel) -> None:
        """Takes statistics and the schema that they must match."""
        super().__init__(statistics=statistics, schema=schema)
        self.exec_properties[_DIGEST] = source_digest("components.spans.anomalies")
