"""The settings of a Trainer, as ML Metadata has recorded them. Imports neither tfx nor tensorflow."""

import json
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

# Earlier versions recorded each section as JSON text within the JSON.
_Settings = Annotated[dict[str, Any], BeforeValidator(lambda value: json.loads(value) if isinstance(value, str) else value)]


class TrainingSettings(BaseModel):
    """The parts of `components.trainer.config.CustomConfig` that are read later.

    The settings are not checked, because other versions of this project have others.
    """

    model_config = ConfigDict(frozen=True)

    model: _Settings
    trainer: _Settings = {}
    checkpoint_dir: str = ""
    """Directory of the checkpoints of all trainings of a pipeline; empty if it is not known."""

    @classmethod
    def read(cls, custom_config: str) -> Self | None:
        """Reads the execution property `custom_config`; None if it is not that of a Trainer of this project."""
        try:
            return cls.model_validate_json(custom_config)
        except ValidationError:
            return None
