"""A Flink cluster of several processes on this machine, as `scripts/flink.sh` starts it."""

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

_SCRIPT = Path(__file__).parents[2] / "scripts" / "flink.sh"
_PORTS = 6
"""Five of Flink and the job server, and the pool's."""


class Flink:
    """A cluster that runs.

    Attributes:
      beam: How a pipeline uses it.
    """

    def __init__(self, directory: Path, port: int) -> None:
        """Refers to a cluster by the directory and the first port that the script was given."""
        self._directory = directory
        self.beam = BeamConfig(
            runner="flink", job_server=f"localhost:{port + 1}", workers=f"localhost:{port + 5}", parallelism=2
        )

    def kill_task_manager(self) -> None:
        """Kills one of the two."""
        os.kill(int((self._directory / "taskmanager-1.pid").read_text()), signal.SIGKILL)


@contextmanager
def flink(directory: Path) -> Iterator[Flink]:
    """Starts a cluster, and stops it; skips the test where Java or Flink cannot be had."""
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    port = _free_ports()
    environment = {**os.environ, "FLINK_DIR": str(directory), "FLINK_PORT": str(port), "WORKER_PORT": str(port + 5)}
    started = subprocess.run([_SCRIPT, "start"], env=environment, capture_output=True, text=True)
    if "cannot be downloaded" in started.stderr:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield Flink(directory, port)
    finally:
        subprocess.run([_SCRIPT, "stop"], env=environment, check=True)


def _free_ports() -> int:
    """The first of several free ones in a row."""
    while True:
        port = random.randrange(20_000, 30_000)
        with suppress(OSError):
            for number in range(port, port + _PORTS):
                with socket.socket() as free:
                    free.bind(("", number))
            return port
