"""The configuration section `metadata`."""

from pathlib import Path

from pydantic import field_validator

from components.errors import ConfigurationError
from components.settings import Section
from pipelines.mlmd.location import parse_url


class MetadataConfig(Section):
    """The ML Metadata database."""

    url: str | None = None
    """`sqlite:///relative.db`, `sqlite:////absolute.db`, `mysql://user@host:3306/database` or
    `postgresql://user@host:5432/database`, without the password; null is the environment variable `TFX_VAE_METADATA`, or
    `<runtime.root>/metadata.sqlite`."""

    password_file: Path | None = None
    """File whose first line is the password; null is the environment variable `TFX_VAE_METADATA_PASSWORD`."""

    @field_validator("url")
    @classmethod
    def _is_understood(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                parse_url(url, may_hold_password=False)
            except ConfigurationError as error:
                raise ValueError(str(error).removeprefix("the URL of ML Metadata ")) from error
        return url
