"""A serving directory in TensorFlow Serving's layout: one folder for each version of a model, named by its number."""

import filecmp
from pathlib import Path
from typing import Any, Final, NamedTuple

from components import bucket
from components.errors import ConfigurationError

SAVED_MODEL: Final = "saved_model.pb"

# Custom properties of a PushedModel, as TFX's Pusher writes them.
PUSHED: Final = "pushed"
"""1 or 0."""
PUSHED_VERSION: Final = "pushed_version"
PUSHED_DESTINATION: Final = "pushed_destination"

_META_GRAPHS_FIELD: Final = 2
"""A field of the message SavedModel, which has at least one graph."""
_HIGHEST: Final = 2**63 - 1


class PushedVersion(NamedTuple):
    """A version of a model.

    Attributes:
      version: Its number.
      path: Its folder.
    """

    version: int
    path: Path


def version_number(name: str) -> int | None:
    """The version number in the name of a folder; None if the folder is not a version.

    TensorFlow Serving accepts decimal digits, also with leading zeros, up to the largest int64.
    """
    number = int(name) if name.isascii() and name.isdigit() else None
    return None if number is None or number > _HIGHEST else number


def pushed_versions(base: Path) -> list[PushedVersion]:
    """Every version that has a saved_model.pb, the oldest first; some may be damaged.

    Args:
      base: The serving directory; if it does not exist, there are no versions. Those in its bucket are downloaded.
    """
    bucket.refresh(base)
    if not base.is_dir():
        return []
    numbered = [PushedVersion(number, path) for path in base.iterdir() if (number := version_number(path.name)) is not None]
    return sorted(pushed for pushed in numbered if (pushed.path / SAVED_MODEL).is_file())


def find_pushed(base: Path, version: int | None = None) -> list[PushedVersion]:
    """The version asked for, or all versions, the newest first.

    Raises:
      ConfigurationError: There is no version, or not this one.
    """
    versions = pushed_versions(base)
    if not versions:
        raise ConfigurationError(
            f"No model was pushed to {bucket.uri_of(base)} yet: run the pipeline with the same configuration first "
            "(tfx-vae run --config ...)."
        )
    chosen = [pushed for pushed in reversed(versions) if version in (None, pushed.version)]
    if not chosen:
        known = ", ".join(str(pushed.version) for pushed in versions)
        raise ConfigurationError(f"There is no version {version} in {bucket.uri_of(base)}; there are {known}.")
    return chosen


def find_fault(directory: Path) -> str:
    """Why a model cannot be loaded, as far as its files show without TensorFlow.

    Returns:
      A sentence without a full stop; empty if there is no such fault.
    """
    from google.protobuf import empty_pb2, unknown_fields
    from google.protobuf.message import DecodeError

    try:
        fields: Any = unknown_fields.UnknownFieldSet(empty_pb2.Empty.FromString((directory / SAVED_MODEL).read_bytes()))
    except FileNotFoundError:
        return f"{SAVED_MODEL} is missing"
    except DecodeError:
        return f"{SAVED_MODEL} is cut short or corrupt"
    if not any(field.field_number == _META_GRAPHS_FIELD and field.wire_type == 2 for field in fields):
        return f"{SAVED_MODEL} is empty or not a model"
    return _variables_fault(directory / "variables")


def _variables_fault(directory: Path) -> str:
    shards = sorted(directory.glob("variables.data-?????-of-?????"))
    if not shards or not (directory / "variables.index").is_file():
        return f"variables/variables.{'index' if shards else 'data-00000-of-00001'} is missing"
    count = int(shards[0].name[-5:])
    return f"{count - len(shards)} of {count} files of its variables are missing" if len(shards) < count else ""


def find_difference(expected: Path, found: Path) -> str:
    """The first file that is missing from a copy or differs in it; files that only the copy has do not count.

    Args:
      expected: A directory.
      found: Its copy.

    Returns:
      A sentence without a full stop; empty if there is none.
    """
    for path in sorted(path for path in expected.rglob("*") if path.is_file()):
        name = path.relative_to(expected)
        if not (found / name).is_file():
            return f"{name} is missing"
        if not filecmp.cmp(path, found / name, shallow=False):
            return f"{name} is damaged"
    return ""
