"""The stock executor of ExampleValidator, called once for each span that a run reads."""

from typing import Any

from tfx.components.example_validator import executor
from tfx.types.artifact import Artifact
from tfx.types.standard_component_specs import ANOMALIES_KEY, STATISTICS_KEY

from components.artifacts.spans import for_each_span


class Executor(executor.Executor):
    """Makes one ExampleAnomalies for each ExampleStatistics."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Calls the stock executor for each span."""
        for_each_span(super().Do, STATISTICS_KEY, ANOMALIES_KEY, input_dict, output_dict, exec_properties)
