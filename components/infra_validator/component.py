"""InfraValidator: allows a push only if a server can load the model and it answers as the Trainer did."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.infra_validator.config import InfraValidatorConfig
from components.infra_validator.executor import BLESSING, CONFIG, DOCKER_BLESSING, MODEL, Executor
from components.source_digest import source_digest


class InfraValidatorSpec(ComponentSpec):
    """Inputs, parameters and output."""

    INPUTS: ClassVar = {
        MODEL: ChannelParameter(type=standard_artifacts.Model),
        DOCKER_BLESSING: ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    PARAMETERS: ClassVar = {
        CONFIG: ExecutionParameter(type=str),
        "source_digest": ExecutionParameter(type=str),
    }
    OUTPUTS: ClassVar = {BLESSING: ChannelParameter(type=standard_artifacts.InfraBlessing)}


class InfraValidator(BaseComponent):
    """Loads the model in a separate process, replays its warm-up requests, and compares the answers with the Trainer's.

    The stock InfraValidator needs Docker or Kubernetes, and does not check the answers. This one needs only TensorFlow, loads
    the model as TensorFlow Serving does, and gives the same InfraBlessing::

        Pusher(..., infra_blessing=infra_validator.outputs["blessing"])

    If a model fails, the run does not fail, as with the Evaluator: the artifact says why, and nothing is pushed.
    """

    SPEC_CLASS = InfraValidatorSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(
        self, model: BaseChannel, config: InfraValidatorConfig | None = None, docker_blessing: BaseChannel | None = None
    ) -> None:
        """Constructs the component.

        Args:
          model: The Trainer's model, with its warm-up requests.
          config: The limits; None is the default.
          docker_blessing: From the stock InfraValidator, if it ran: the model has to pass both.
        """
        super().__init__(
            spec=InfraValidatorSpec(
                model=model,
                docker_blessing=docker_blessing,
                config=(config or InfraValidatorConfig()).model_dump_json(),
                source_digest=source_digest(Executor.__module__),
                blessing=Channel(type=standard_artifacts.InfraBlessing),
            )
        )
