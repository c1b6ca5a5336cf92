"""An engine of Beam as several processes on this machine, as `scripts/flink.sh` and `scripts/spark.sh` start it."""

import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pipelines.beam.config import BeamConfig

_SCRIPTS = Path(__file__).parents[2] / "scripts"
_PORTS = 6
"""Five of the engine and the job server, and the pool's."""
_WORKING = {"flink": "taskmanager-1", "spark": "worker-1"}
"""One of the two processes that work."""


class Engine:
    """A cluster that runs.

    Attributes:
      beam: How a pipeline uses it.
    """

    def __init__(self, name: str, directory: Path, port: int) -> None:
        """Refers to a cluster by the directory and the first port that the script was given."""
        self._process = directory / f"{_WORKING[name]}.pid"
        parallelism = 2 if name == "flink" else None
        self.beam = BeamConfig(
            runner=name, job_server=f"localhost:{port + 1}", workers=f"localhost:{port + 5}", parallelism=parallelism
        )

    def kill_one(self) -> None:
        """Kills one of the two processes that work."""
        os.kill(int(self._process.read_text()), signal.SIGKILL)


@contextmanager
def engine(name: str, directory: Path) -> Iterator[Engine]:
    """Starts a cluster, and stops it; skips the test where Java or the jars cannot be had."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    port = _free_ports()
    script, upper = _SCRIPTS / f"{name}.sh", name.upper()
    own = {f"{upper}_DIR": directory, f"{upper}_PORT": port, "WORKER_PORT": port + 5, "SPARK_CORES": 1}
    environment = {**os.environ, **{key: str(value) for key, value in own.items()}}
    started = subprocess.run([script, "start"], env=environment, capture_output=True, text=True)
    if "cannot be downloaded" in started.stderr:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield Engine(name, directory, port)
    finally:
        subprocess.run([script, "stop"], env=environment, check=True)


def _free_ports() -> int:
    """The first of several free ones in a row."""
    while True:
        port = random.randrange(20_000, 30_000)
        with suppress(OSError):
            for number in range(port, port + _PORTS):
                with socket.socket() as free:
                    free.bind(("", number))
            return port
