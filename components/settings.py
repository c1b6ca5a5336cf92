"""The base of every configuration section."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys and loose types.

    Each component's folder holds its own section, in `config.py`; `pipelines/config.py` puts them together. None of these
    modules imports tensorflow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
