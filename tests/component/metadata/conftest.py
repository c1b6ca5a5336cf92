"""Databases with a past."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import servers
from support.history import History
from support.past import Past, write_past

from pipelines.mlmd.location import Location
from tfx_vae.cli import main


@pytest.fixture(scope="session")
def past(in_memory: Path) -> Past:
    return write_past(History(in_memory / "past"))


@pytest.fixture(autouse=True)
def _own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was killed on this machine before is not there for gc to find."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def history(in_memory: Path) -> Iterator[History]:
    """An empty database."""
    with tempfile.TemporaryDirectory(dir=in_memory) as name:
        yield History(Path(name))


@pytest.fixture
def ask() -> Callable[..., Result]:
    """Calls `tfx-vae` on a database; output and error output apart."""

    def call(location: Location, *words: str, **environment: str) -> Result:
        url = f"sqlite:///{location.path}" if location.path.name else str(location)
        return CliRunner().invoke(main, [*words, "--metadata", url], env=environment)

    return call


@pytest.fixture(scope="session")
def mysql() -> Iterator[Location]:
    """An empty database on a MariaDB of our own."""
    with servers.mariadb() as location:
        yield location


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Location]:
    """An empty database on a PostgreSQL of our own."""
    with servers.postgresql() as location:
        yield location
