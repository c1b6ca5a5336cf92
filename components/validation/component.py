"""ValidationGate: stops a run whose data does not obey the schema."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.artifact import Artifact
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import ExampleAnomalies, ExampleStatistics

from components.source_digest import source_digest
from components.validation.executor import Executor


class DataVerdict(Artifact):
    """What the gate let pass: one sentence for each anomaly in `anomalies.txt`, which is empty if all is well.

    Where data may not be used there is no verdict: the gate's execution failed.
    """

    TYPE_NAME = "DataVerdict"


class ValidationGateSpec(ComponentSpec):
    """Inputs, parameters and output of the gate."""

    INPUTS: ClassVar = {
        "anomalies": ChannelParameter(type=ExampleAnomalies),
        "statistics": ChannelParameter(type=ExampleStatistics),
    }
    PARAMETERS: ClassVar = {
        "allow_anomalies": ExecutionParameter(type=bool),
        "source_digest": ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar = {"verdict": ChannelParameter(type=DataVerdict)}


class ValidationGate(BaseComponent):
    """Fails where ExampleValidator found an anomaly, so that nothing is trained on wrong data.

    ExampleValidator itself only notes anomalies and lets the run go on; and it fails to note that a split is empty. It stays
    the stock component, so that its artifact is in ML Metadata whatever this one decides. Nothing reads the gate's output, so
    order has to be asked for::

        transform.add_upstream_node(gate)

    TFX serves only successful executions from its cache, so a gate that failed runs, and fails, again. A gate that passed
    because anomalies are allowed has another cache key than one that does not allow them; served from the cache it does not
    warn again, but what it let pass stands in its output, `verdict`.
    """

    SPEC_CLASS = ValidationGateSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(self, anomalies: BaseChannel, statistics: BaseChannel, allow_anomalies: bool = False) -> None:
        """Builds the gate.

        Args:
          anomalies: ExampleValidator's `anomalies`; every split in it is looked at.
          statistics: StatisticsGen's `statistics` of the same splits. Give StatisticsGen the schema: only then does it count
            wrong labels.
          allow_anomalies: Warn, through the logger `tfx_vae`, instead of failing.
        """
        super().__init__(
            spec=ValidationGateSpec(
                anomalies=anomalies,
                statistics=statistics,
                allow_anomalies=allow_anomalies,
                source_digest=source_digest("components.validation"),
                verdict=Channel(type=DataVerdict),
            )
        )
