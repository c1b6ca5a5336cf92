"""Opens an exported model for a command: the one that was pushed, or any directory. TensorFlow is imported on the way."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from components.errors import ConfigurationError
from pipelines.local.capture import captured_output, prepare_environment
from tfx_vae.serving.pushed import find_pushed, pushed_versions

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel

_SAVED_MODEL: Final = "saved_model.pb"
# Where the Trainer's artifact has it.
_FORMAT_SERVING: Final = "Format-Serving"


class ModelLocation(NamedTuple):
    """Where an exported model is.

    Attributes:
      name: The pipeline's; None where only a directory was given.
      version: The number under which it was pushed; None where it was not.
      directory: The SavedModel.
    """

    name: str | None
    version: int | None
    directory: Path

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.name else str(self.directory)

    def as_json(self) -> dict[str, Any]:
        """For `"model"` in what the commands print."""
        return {"name": self.name, "version": self.version, "directory": str(self.directory)}


def locate_directory(directory: Path) -> ModelLocation:
    """The SavedModel in a directory, in a Trainer's artifact, or the newest version in a serving directory.

    Raises:
      ConfigurationError: There is none.
    """
    directory = directory.absolute()
    for candidate in (directory, directory / _FORMAT_SERVING):
        if (candidate / _SAVED_MODEL).is_file():
            return ModelLocation(None, None, candidate)
    if pushed_versions(directory):
        version, path = find_pushed(directory)
        return ModelLocation(directory.name, version, path)
    raise ConfigurationError(f"There is no exported model in {directory}: it has no {_SAVED_MODEL}, and no versions with one.")


def load_quietly(location: ModelLocation, signatures: Sequence[str]) -> "LoadedModel":
    """Loads the model, with whatever TensorFlow prints meanwhile thrown away.

    Args:
      location: Where it is.
      signatures: What will be asked of it.

    Raises:
      PipelineError: It cannot be loaded.
      ConfigurationError: It has not all of the signatures.
    """
    prepare_environment()
    with tempfile.NamedTemporaryFile() as printed, captured_output(Path(printed.name)):
        from components.artifacts.loaded_model import LoadedModel

        model = LoadedModel(location.directory)
    for signature in signatures:
        if signature not in model.signatures:
            known = ", ".join(sorted(model.signatures)) or "none"
            raise ConfigurationError(f"The model in {location.directory} has no signature '{signature}'; it has {known}.")
    return model
