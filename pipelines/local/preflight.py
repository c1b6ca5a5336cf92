"""What can be found wrong before anything slow is imported."""

import tempfile
from pathlib import Path

from components.errors import ConfigurationError, PipelineError
from pipelines.config import PipelineConfig


def check(config: PipelineConfig) -> None:
    """Refuses what cannot work, in milliseconds.

    Args:
      config: A configuration with absolute paths.

    Raises:
      ConfigurationError: A file or directory that the configuration names is missing, or ML Metadata is not understood, or
        Docker is wanted and not there.
      PipelineError: A directory cannot be written.
    """
    if not config.data.schema_path.is_file():
        raise ConfigurationError(f"data.schema_path: there is no file {config.data.schema_path}.")
    if config.data.directory is not None and not config.data.directory.is_dir():
        raise ConfigurationError(f"data.directory: there is no directory {config.data.directory}.")
    if config.infra_validator.docker:
        _check_docker()
    _ = config.metadata_location  # reads the environment, and the file with the password
    _check_writable(config.runtime.root, "runtime.root")
    _check_writable(config.serving_dir, "pusher.serving_dir")
    _check_writable(config.data_dir, "data.data_dir")


def _check_writable(directory: Path, key: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise PipelineError(
            f"{directory} cannot be written ({error.strerror}): choose another directory with "
            f"--set {key}=DIRECTORY, or mend its permissions."
        ) from error


def _check_docker() -> None:
    import docker

    try:
        docker.from_env(timeout=5).ping()
    except (docker.errors.DockerException, OSError) as error:
        raise ConfigurationError(
            "infra_validator.docker: no Docker answers on this machine; start it, name it with the environment variable "
            f"DOCKER_HOST, or go without: --set infra_validator.docker=false ({error})."
        ) from error
