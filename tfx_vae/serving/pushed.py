"""Chooses a version from a serving directory."""

import logging
from pathlib import Path

from components.artifacts.serving_directory import PushedVersion, find_fault, pushed_versions
from components.errors import ConfigurationError

__all__ = ["PushedVersion", "find_pushed", "pushed_versions"]

_LOGGER = logging.getLogger("tfx_vae.serving")


def find_pushed(base: Path, version: int | None = None) -> PushedVersion:
    """The version asked for, or the newest that can be loaded as far as its files show; the log names newer ones.

    Raises:
      ConfigurationError: There is none.
    """
    versions = pushed_versions(base)
    if not versions:
        raise ConfigurationError(
            f"No model was pushed to {base} yet: run the pipeline with the same configuration first (tfx-vae run --config ...)."
        )
    if version is None:
        return _newest_without_fault(versions)
    for pushed in versions:
        if pushed.version == version:
            return pushed
    known = ", ".join(str(pushed.version) for pushed in versions)
    raise ConfigurationError(f"There is no version {version} in {base}; there are {known}.")


def _newest_without_fault(versions: list[PushedVersion]) -> PushedVersion:
    fault = ""
    for pushed in reversed(versions):
        if not (fault := find_fault(pushed.path)):
            return pushed
        _LOGGER.warning("%s is passed over: %s.", pushed.path, fault)
    raise ConfigurationError(
        f"No version in {versions[0].path.parent} can be loaded: in {versions[0].path}, {fault}. "
        "Train and push a model again: tfx-vae run --set runtime.cache=false."
    )
