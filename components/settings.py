"""The base of every configuration section."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, field_validator

from components.bucket import checked_uri, uri_of

# To look for plugins, pydantic opens the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

_LARGEST: Final = 2**31
_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 3000
"""In bytes: Linux takes 4,095, of which files in a directory need some."""


Place = Annotated[
    Path,
    BeforeValidator(lambda place: checked_uri(place) if isinstance(place, str) else place),
    PlainSerializer(uri_of, return_type=str, when_used="json"),
]
"""A directory that a run writes to: a path, or `s3://BUCKET/DIRECTORY`, which becomes the path of its copy on this machine."""


class Action(StrEnum):
    """What happens if data is not as it should be."""

    STOP = "stop"
    WARN = "warn"


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys and loose types.

    Each component's folder holds its own section, in `config.py`; `pipelines/config.py` puts them together. None of these
    modules imports tensorflow. The docstring below a field describes it (`pipelines/config_reference.py`); pydantic could read
    them, but does so at every import, in which each command would have to parse the source.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _is_usable(cls, value: Any) -> Any:
        """Refuses numbers that nothing here can count to, and replaces `~` in paths."""
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and abs(number) >= _LARGEST:
                raise ValueError("must be below 2^31, in magnitude")
        return _usable_path(value) if isinstance(value, Path) else value


def _usable_path(path: Path) -> Path:
    try:
        expanded = path.expanduser()
        too_long = any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts)
    except RuntimeError as error:
        raise ValueError("names the home of a user that does not exist: write the directory in full") from error
    except UnicodeEncodeError as error:
        raise ValueError("has letters that this locale cannot encode: set the environment variable LC_ALL=C.UTF-8") from error
    if too_long or len(os.fsencode(expanded)) > _LONGEST_PATH:
        raise ValueError("is longer than a file system takes")
    return expanded
