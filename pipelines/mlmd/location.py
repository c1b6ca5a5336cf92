"""Where an ML Metadata database is, and how to connect to it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import field_validator

from components.errors import ConfigurationError
from components.settings import Section

URL_VARIABLE: Final = "TFX_VAE_METADATA"
PASSWORD_VARIABLE: Final = "TFX_VAE_METADATA_PASSWORD"
DATABASE_NAME: Final = "metadata.sqlite"
"""The database in a root, unless the settings name another."""

_FORMS: Final = "sqlite:///FILE, mysql://USER@HOST:PORT/DATABASE and postgresql://USER@HOST:PORT/DATABASE"


class Backend(StrEnum):
    """The databases that ML Metadata writes to."""

    SQLITE = "sqlite"
    MYSQL = "mysql"
    POSTGRESQL = "postgresql"


_PORTS: Final = {Backend.MYSQL: 3306, Backend.POSTGRESQL: 5432}


@dataclass(frozen=True)
class Location:
    """One database.

    Attributes:
      backend: What kind it is.
      path: The file (sqlite).
      host: The server (all others), as are the following.
      port: The port it listens on.
      database: The name of the database.
      user: The account.
      password: Its password; left out of `repr` and of the URL.
    """

    backend: Backend
    path: Path = Path()
    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The place without the password: a path, or a URL."""
        if self.backend is Backend.SQLITE:
            return str(self.path)
        return f"{self.backend}://{self.user}@{self.host}:{self.port}/{self.database}"


def real_path(path: Path) -> Path:
    """The path without `..` and links. Unlike Path.resolve it takes links that lead to themselves."""
    return Path(os.path.realpath(path))


def sqlite_location(path: Path) -> Location:
    """The database in a file."""
    return Location(Backend.SQLITE, path=path)


def parse_url(url: str, may_hold_password: bool = True, base: Path | None = None) -> Location:
    """Reads a URL.

    Args:
      url: `sqlite:///relative.db`, `sqlite:////absolute.db`, `mysql://...` or `postgresql://...`.
      may_hold_password: False refuses a password: it would be seen in files and in lists of processes.
      base: What a relative path starts from; None is the working directory.

    Raises:
      ConfigurationError: It is not understood. The message does not repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        backend, port = Backend(parts.scheme), parts.port
    except ValueError as error:
        raise ConfigurationError(f"the URL of ML Metadata is not understood: allowed are {_FORMS}") from error
    if parts.query or parts.fragment:
        raise ConfigurationError(f"the URL of ML Metadata has options, but none are supported: allowed are {_FORMS}")
    if backend is Backend.SQLITE:
        return sqlite_location((base or Path.cwd()) / _sqlite_path(parts))
    if parts.password is not None and not may_hold_password:
        raise ConfigurationError(
            f"the URL of ML Metadata must not hold the password: put that into {PASSWORD_VARIABLE}, or into a file that "
            "metadata.password_file names"
        )
    database = unquote(parts.path.removeprefix("/"))
    if not (parts.hostname and parts.username and database) or "/" in database:
        raise ConfigurationError(f"the URL of ML Metadata lacks its user, host or database: allowed are {_FORMS}")
    return Location(
        backend,
        host=parts.hostname,
        port=port or _PORTS[backend],
        database=database,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
    )


def absolute_url(url: str, base: Path) -> str:
    """The same URL, but that the relative path of a file starts from `base`."""
    location = parse_url(url, base=base)
    return f"sqlite:///{quote(str(location.path))}" if location.backend is Backend.SQLITE else url


def locate(url: str | None, password_file: Path | None, default: Path, environment: Mapping[str, str] = os.environ) -> Location:
    """Finds the database: what the settings say, or else the environment, or else the default file.

    Args:
      url: `metadata.url`, or what `--metadata` says.
      password_file: `metadata.password_file`.
      default: The file where neither says anything.
      environment: The environment variables.

    Raises:
      ConfigurationError: A URL is not understood, or the file with the password cannot be read.
    """
    given = url or environment.get(URL_VARIABLE)
    if not given:
        return sqlite_location(default)
    location = parse_url(given, may_hold_password=url is None)
    if location.backend is Backend.SQLITE or location.password:
        return location
    return replace(location, password=_password(password_file, environment))


def _sqlite_path(parts: SplitResult) -> Path:
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or path == "/":
        raise ConfigurationError(
            "the URL of ML Metadata lacks its file: write sqlite:///relative.db, or sqlite:////absolute.db with four slashes"
        )
    try:
        if "\0" not in path:
            return Path(path[1:]).expanduser()
    except RuntimeError:
        pass
    raise ConfigurationError("the URL of ML Metadata names a file that cannot be: write its path in full")


def _password(file: Path | None, environment: Mapping[str, str]) -> str:
    if file is None:
        return environment.get(PASSWORD_VARIABLE, "")
    try:
        return next(iter(file.read_text().splitlines()), "")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"metadata.password_file: {file} cannot be read: {reason}.") from error


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
