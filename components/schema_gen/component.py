"""The specification of InferredSchemaGen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.artifact import Artifact
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import ExampleStatistics, Schema

from components.private_tfx import CompletingDriver
from components.schema_gen.curated import edit_digest
from components.schema_gen.executor import CURATED_PATH, Executor
from components.source_digest import source_digest


class Driver(CompletingDriver):
    """Puts an edit of the schema into the cache key."""

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """Adds a digest of the file, if it was edited."""
        return {"edit_digest": edit_digest(Path(parameters[CURATED_PATH]))}


class InferredSchemaGenSpec(ComponentSpec):
    """Input, parameters and output."""

    INPUTS: ClassVar = {"statistics": ChannelParameter(type=ExampleStatistics)}
    PARAMETERS: ClassVar = {
        CURATED_PATH: ExecutionParameter(type=str),
        "source_digest": ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar = {"schema": ChannelParameter(type=Schema)}


class InferredSchemaGen(BaseComponent):
    """Infers the schema of the first run's data, and keeps it in a file that a person may edit and that later runs must match.

    The stock SchemaGen would infer it from the very data that it is to check, in every run. An unedited file has the same cache
    key as none, so that a second run finds everything in the cache.
    """

    SPEC_CLASS = InferredSchemaGenSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, statistics: BaseChannel, curated_path: Path) -> None:
        """Builds the component.

        Args:
          statistics: Of all splits, computed without a schema.
          curated_path: The file.
        """
        super().__init__(
            spec=InferredSchemaGenSpec(
                statistics=statistics,
                curated_path=str(curated_path),
                source_digest=source_digest(Executor.__module__),
                schema=Channel(type=Schema),
            )
        )
