"""DriftGate: says, before anything is trained, whether new images differ from those that the champion was trained on."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples, Model

from components.artifacts.drift_verdict import DriftVerdict
from components.drift.config import DriftConfig
from components.drift.executor import CHAMPION, CONFIG, EXAMPLES, KNOWN_EXAMPLES, VERDICT, Executor
from components.source_digest import source_digest


class DriftGateSpec(ComponentSpec):
    """The gate's inputs, parameters and output."""

    INPUTS: ClassVar = {
        EXAMPLES: ChannelParameter(type=Examples),
        CHAMPION: ChannelParameter(type=Model, optional=True),
        KNOWN_EXAMPLES: ChannelParameter(type=Examples, optional=True),
    }
    PARAMETERS: ClassVar = {
        CONFIG: ExecutionParameter(type=str),
        "source_digest": ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar = {VERDICT: ChannelParameter(type=DriftVerdict)}


class DriftGate(BaseComponent):
    """Compares labels, pixels, and the champion's scores and codes of new images with those of its own.

    No component before the report reads its output, so the order has to be set::

        drift_gate = DriftGate(
            examples=example_gen.outputs["examples"],
            champion=resolver.outputs["model"],            # by DriftStrategy
            known_examples=resolver.outputs["examples"],
            config=config.drift,
        )
        transform.add_upstream_node(drift_gate)

    The stock DistributionValidator compares statistics by TFDV's comparators: of the measures here it has that of the labels.
    It does not say whether a difference is significant, and a test split of a hundred images differs from the next by more
    than any useful limit.
    """

    SPEC_CLASS = DriftGateSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(self, examples: BaseChannel, champion: BaseChannel, known_examples: BaseChannel, config: DriftConfig) -> None:
        """Builds the gate.

        Args:
          examples: Raw examples, one artifact or several.
          champion: The champion; may be empty.
          known_examples: The raw examples that the champion was trained on; may be empty.
          config: The limits, and what happens.
        """
        super().__init__(
            spec=DriftGateSpec(
                examples=examples,
                champion=champion,
                known_examples=known_examples,
                config=config.model_dump_json(),
                source_digest=source_digest(Executor.__module__),
                verdict=Channel(type=DriftVerdict),
            )
        )
