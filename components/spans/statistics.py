"""The stock executor of StatisticsGen, called once for each span that a run reads."""

from typing import Any

from tfx.components.statistics_gen import executor
from tfx.types.artifact import Artifact
from tfx.types.standard_component_specs import EXAMPLES_KEY, STATISTICS_KEY

from components.artifacts.spans import EXAMPLES_ID, for_each_span


class Executor(executor.Executor):
    """Makes one ExampleStatistics for each Examples, and records which they describe."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Calls the stock executor for each span."""
        for_each_span(super().Do, EXAMPLES_KEY, STATISTICS_KEY, input_dict, output_dict, exec_properties)
        for examples, statistics in zip(input_dict[EXAMPLES_KEY], output_dict[STATISTICS_KEY], strict=True):
            statistics.set_int_custom_property(EXAMPLES_ID, examples.id)
