"""InfraValidator's work."""

import logging
from typing import Any, Final

from tfx.components.util import model_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils, path_utils

from components.artifacts.files import readable
from components.artifacts.infra_blessing import BLESSED, MEMORY_GB, REFUSAL, SECONDS
from components.infra_validator.config import InfraValidatorConfig
from components.infra_validator.fresh_process import Outcome, check

MODEL: Final = "model"
DOCKER_BLESSING: Final = "docker_blessing"
BLESSING: Final = "blessing"
CONFIG: Final = "config"

_LOGGER = logging.getLogger("tfx_vae.infra_validator")


class Executor(BaseExecutor):
    """Blesses a model that answers its warm-up requests; for any other the blessing says why not."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks the model and writes the InfraBlessing."""
        config = InfraValidatorConfig.model_validate_json(exec_properties[CONFIG], strict=True)
        model = artifact_utils.get_single_instance(input_dict[MODEL])
        with readable(path_utils.serving_model_path(model.uri)) as saved_model:
            outcome = check(saved_model, config)
        refusal = outcome.refusal or _refusal_in_docker(input_dict.get(DOCKER_BLESSING), config)
        _publish(artifact_utils.get_single_instance(output_dict[BLESSING]), outcome, refusal)


def _refusal_in_docker(blessings: list[Artifact] | None, config: InfraValidatorConfig) -> str:
    if not blessings or model_utils.is_infra_validated(artifact_utils.get_single_instance(blessings)):
        return ""
    return f"tensorflow/serving:{config.docker_tag} in Docker did not load it; the log has what it said"


def _publish(blessing: Artifact, outcome: Outcome, refusal: str) -> None:
    # The file and the property are those of the stock InfraValidator, which the Pusher reads.
    name = "INFRA_NOT_BLESSED" if refusal else "INFRA_BLESSED"
    io_utils.write_string_file(f"{blessing.uri}/{name}", f"{refusal}\n" if refusal else "")
    blessing.set_int_custom_property(BLESSED, 0 if refusal else 1)
    blessing.set_string_custom_property(REFUSAL, refusal)
    blessing.set_float_custom_property(SECONDS, outcome.seconds)
    blessing.set_float_custom_property(MEMORY_GB, outcome.memory_gb)
    if refusal:
        _LOGGER.warning("The model failed the check before pushing: %s.", refusal)
