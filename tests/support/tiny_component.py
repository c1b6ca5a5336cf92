"""A component with a driver, in a pipeline without any other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.private_tfx import CompletingDriver


class TinyDriver(CompletingDriver):
    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        with self.store() as store:
            return {"added": f"{parameters['given']}, execution {len(store.get_executions())}", "nothing": None}


class TinyExecutor(BaseExecutor):
    def Do(self, inputs: Any, outputs: Any, properties: Any) -> None:  # noqa: N802 (TFX's name)
        [artifact] = outputs["model"]
        Path(artifact.uri).mkdir(parents=True, exist_ok=True)
        (Path(artifact.uri) / "said.txt").write_text(properties["added"])


class TinySpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "given": ExecutionParameter(type=str),
        "added": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar = {"model": ChannelParameter(type=standard_artifacts.Model)}


class Tiny(BaseComponent):
    SPEC_CLASS = TinySpec
    EXECUTOR_SPEC = ExecutorClassSpec(TinyExecutor)
    DRIVER_CLASS = TinyDriver

    def __init__(self, given: str) -> None:
        super().__init__(spec=TinySpec(given=given, model=Channel(type=standard_artifacts.Model)))
