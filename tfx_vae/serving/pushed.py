"""The versions in a serving directory, as TensorFlow Serving sees them."""

from pathlib import Path
from typing import NamedTuple

from components.errors import ConfigurationError


class PushedVersion(NamedTuple):
    """A model that was pushed."""

    version: int
    path: Path


def pushed_versions(base: Path) -> list[PushedVersion]:
    """Every version that is there, the oldest first.

    Args:
      base: The serving directory; one that is not there has no versions.
    """
    if not base.is_dir():
        return []
    numbered = [path for path in base.iterdir() if path.name.isascii() and path.name.isdigit()]
    return sorted(PushedVersion(int(path.name), path) for path in numbered if (path / "saved_model.pb").is_file())


def find_pushed(base: Path, version: int | None = None) -> PushedVersion:
    """The version asked for, or the newest.

    Raises:
      ConfigurationError: It is not there.
    """
    versions = pushed_versions(base)
    if not versions:
        raise ConfigurationError(
            f"No model was pushed to {base} yet: run the pipeline with the same configuration first (tfx-vae run --config ...)."
        )
    if version is None:
        return versions[-1]
    for pushed in versions:
        if pushed.version == version:
            return pushed
    known = ", ".join(str(pushed.version) for pushed in versions)
    raise ConfigurationError(f"There is no version {version} in {base}; there are {known}.")
