"""Databases with a past."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import servers
from support.history import FAILED, History, PastRun

from pipelines.mlmd.location import Location
from tfx_vae.cli import main

ERROR = "train-images-idx3-ubyte.gz is truncated: get it again."


@dataclass(frozen=True)
class Past:
    """A database of five runs of two pipelines, which tests only read.

    Attributes:
      first: Blessed and pushed.
      second: Trained for longer; blessed against the first, and pushed.
      cached: All from the cache, as the second.
      failed: Its Trainer failed.
      other: Of another pipeline; not blessed.
    """

    history: History
    first: PastRun
    second: PastRun
    cached: PastRun
    failed: PastRun
    other: PastRun


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """A directory in memory, where there is one: ML Metadata's client waits for the disk after every call."""
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def past(in_memory: Path) -> Past:
    return write_past(History(in_memory / "past"))


def write_past(history: History) -> Past:
    first = history.run(elbo=101.5)
    second = history.run(elbo=99.25, epochs=6, baseline=first)
    cached = history.run(epochs=6, cached_from=second, baseline=first)
    failed = history.run(epochs=7, stops_at="Trainer", stops_as=FAILED, error=ERROR, record="failed")
    return Past(history, first, second, cached, failed, history.run("mnist-ae", elbo=120.0, blessed=False))


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
