"""The settings of a Trainer and of a Tuner, as ML Metadata has recorded them. Imports neither tfx nor tensorflow."""

import json
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

# Earlier versions recorded each section as JSON text within the JSON.
_Settings = Annotated[dict[str, Any], BeforeValidator(lambda value: json.loads(value) if isinstance(value, str) else value)]


class _Recorded(BaseModel):
    model_config = ConfigDict(frozen=True)

    @classmethod
    def read(cls, custom_config: str) -> Self | None:
        """Reads the execution property `custom_config`; None if another component, or another project, wrote it."""
        try:
            return cls.model_validate_json(custom_config)
        except ValidationError:
            return None


class TrainingSettings(_Recorded):
    """The parts of `components.trainer.config.CustomConfig` that are read later.

    The settings are not checked, because other versions of this project have others.
    """

    model: _Settings
    trainer: _Settings = {}
    checkpoint_dir: str = ""
    """Directory of the checkpoints of all trainings of a pipeline; empty if it is not known."""


class RecordedSearch(_Recorded):
    """The parts of `components.tuner.config.SearchSettings` that are read later."""

    training: TrainingSettings
    directory: str
    """Directory of all searches of a pipeline."""
