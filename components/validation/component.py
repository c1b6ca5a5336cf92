"""ValidationGate: stops a run whose data does not match the schema, or whose images are not what they should be."""

import json
from collections.abc import Sequence
from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import ExampleAnomalies, Examples, ExampleStatistics

from components.artifacts.data_verdict import DataVerdict
from components.artifacts.features import Fit
from components.source_digest import source_digest
from components.validation.config import ValidationConfig
from components.validation.executor import Executor


class ValidationGateSpec(ComponentSpec):
    """The gate's inputs, parameters and output."""

    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=Examples),
        "anomalies": ChannelParameter(type=ExampleAnomalies),
        "statistics": ChannelParameter(type=ExampleStatistics),
        "known_examples": ChannelParameter(type=Examples, optional=True),
        "known_verdicts": ChannelParameter(type=DataVerdict, optional=True),
    }
    PARAMETERS: ClassVar = {
        "allow_anomalies": ExecutionParameter(type=bool),
        "config": ExecutionParameter(type=str),
        "image_shape": ExecutionParameter(type=str),
        "fit": ExecutionParameter(type=str),
        "source_digest": ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar = {"verdict": ChannelParameter(type=DataVerdict)}


class ValidationGate(BaseComponent):
    """Fails if ExampleValidator found an anomaly, or if the pixels are wrong, so that nothing is trained on wrong data.

    ExampleValidator itself records anomalies and lets the run go on, and it does not record that a split is empty. It stays the
    stock component, so that its artifact is in ML Metadata in any case. No component before the report reads the gate's output,
    so the order has to be set::

        transform.add_upstream_node(gate)

    TFX serves only successful executions from its cache, so a gate that failed runs, and fails, again. A gate that passed
    because anomalies are allowed has another cache key than one that does not allow them. Served from the cache it does not
    warn again, but its output, `verdict`, holds what it let pass.
    """

    SPEC_CLASS = ValidationGateSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        anomalies: BaseChannel,
        statistics: BaseChannel,
        config: ValidationConfig,
        image_shape: Sequence[int] | None = None,
        fit: Fit | None = None,
        allow_anomalies: bool = False,
        known_examples: BaseChannel | None = None,
        known_verdicts: BaseChannel | None = None,
    ) -> None:
        """Builds the gate.

        Args:
          examples: Raw examples, whose images are looked at.
          anomalies: ExampleValidator's `anomalies`; every split in it is checked.
          statistics: StatisticsGen's `statistics` of the same splits. StatisticsGen needs the schema to count wrong labels.
          config: Which images stop the run.
          image_shape: To which Transform brings the images; None for that of the dataset.
          fit: How it does that; None if all images have one aspect ratio.
          allow_anomalies: Warn, through the logger `tfx_vae`, instead of failing because of an anomaly.
          known_examples: Spans that will be used together with these; none of their images may be in another split here.
          known_verdicts: The gate's earlier outputs about them.
        """
        super().__init__(
            spec=ValidationGateSpec(
                examples=examples,
                anomalies=anomalies,
                statistics=statistics,
                known_examples=known_examples,
                known_verdicts=known_verdicts,
                allow_anomalies=allow_anomalies,
                config=config.model_dump_json(),
                image_shape=json.dumps(image_shape),
                fit=json.dumps(fit),
                source_digest=source_digest(Executor.__module__),
                verdict=Channel(type=DataVerdict),
            )
        )
