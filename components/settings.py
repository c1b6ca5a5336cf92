"""The base of every configuration section."""

from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, field_validator

_LARGEST: Final = 2**31


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys and loose types.

    Each component's folder holds its own section, in `config.py`; `pipelines/config.py` puts them together. None of these
    modules imports tensorflow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _is_usable(cls, value: Any) -> Any:
        """Refuses numbers that nothing here can count to, and replaces `~` in paths."""
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and abs(number) >= _LARGEST:
                raise ValueError("must be below 2^31, in magnitude")
        if isinstance(value, Path):
            try:
                return value.expanduser()
            except RuntimeError as error:
                raise ValueError("names the home of a user that does not exist: write the directory in full") from error
        return value
