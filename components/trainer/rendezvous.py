"""How processes on several machines find each other: through files in a directory that all of them see."""

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import tensorflow as tf

from components.errors import PipelineError
from components.trainer.processes import environment_of, reserved_ports

VARIABLE: Final = "TFX_VAE_RENDEZVOUS"
"""The environment variable by which the Trainer learns of it."""

_CLUSTER: Final = "cluster"
_SECONDS_BETWEEN_LOOKS: Final = 0.5


@dataclass(frozen=True)
class Rendezvous:
    """Where the Trainer and its workers meet. An attempt that was killed leaves files, which the next one does not trust.

    Attributes:
      directory: The same for all; a path, or a URI that TensorFlow serves.
      workers: Number of processes, with the Trainer.
      seconds: How long they wait for each other.
    """

    directory: str
    workers: int
    seconds: float

    def announce(self) -> None:
        """Makes the Trainer of this process meet its workers here."""
        os.environ[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def announced(cls) -> Self | None:
        """Where the Trainer meets its workers; None if it has none on other machines."""
        text = os.environ.get(VARIABLE)
        return cls(**json.loads(text)) if text else None

    @contextmanager
    def met_as_chief(self) -> Iterator[dict[str, str]]:
        """Waits for every worker, and tells each of all.

        Yields:
          The environment of the chief.

        Raises:
          PipelineError: Somebody did not come in time.
        """
        tf.io.gfile.makedirs(self.directory)
        if tf.io.gfile.exists(f"{self.directory}/{_CLUSTER}"):
            tf.io.gfile.remove(f"{self.directory}/{_CLUSTER}")
        first: dict[int, dict[str, Any]] = {}
        here: dict[int, dict[str, Any]] = {}
        deadline = time.monotonic() + self.seconds
        while len(here) < self.workers - 1:
            for index in range(1, self.workers):
                said = self._read(f"worker-{index}")
                # One that waits says it again and again; one that was killed does not.
                if said and said != first.setdefault(index, said):
                    here[index] = said
            self._wait(deadline, f"{len(here)} of {self.workers - 1} workers came")
        with _own_address() as address:
            workers = [{"address": address, "token": ""}, *(here[index] for index in range(1, self.workers))]
            self._write(_CLUSTER, {"workers": workers})
            yield environment_of([worker["address"] for worker in workers], 0)

    @contextmanager
    def met_as_worker(self, index: int, is_needless: Callable[[], bool]) -> Iterator[dict[str, str]]:
        """Waits for the chief.

        Args:
          index: Of this worker, from 1 on.
          is_needless: Says whether the chief will not come because its work is done.

        Yields:
          The environment of this worker; nothing in it if it is needless.

        Raises:
          PipelineError: The chief did not come in time.
        """
        tf.io.gfile.makedirs(self.directory)
        deadline = time.monotonic() + self.seconds
        with _own_address() as address:
            own: dict[str, Any] = {"address": address, "token": uuid.uuid4().hex, "times": 0}
            while True:
                own["times"] += 1
                self._write(f"worker-{index}", own)
                workers = self._read(_CLUSTER).get("workers", ())
                if len(workers) == self.workers and workers[index]["token"] == own["token"]:
                    yield environment_of([worker["address"] for worker in workers], index)
                    return
                if is_needless():
                    yield {}
                    return
                self._wait(deadline, "the Trainer did not come, or not all of the workers")

    def _wait(self, deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise PipelineError(
                f"{self.workers} steps train together, but did not run at the same time: within {self.seconds:g} s {what} (in "
                f"{self.directory}). Make room for all of them, or lower trainer.workers."
            )
        time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            with tf.io.gfile.GFile(f"{self.directory}/{name}") as file:
                read: dict[str, Any] = json.loads(file.read())
        except (tf.errors.NotFoundError, ValueError):
            return {}
        return read

    def _write(self, name: str, content: dict[str, Any]) -> None:
        unfinished = f"{self.directory}/.{name}-{uuid.uuid4().hex}"
        with tf.io.gfile.GFile(unfinished, "w") as file:
            file.write(json.dumps(content))
        tf.io.gfile.rename(unfinished, f"{self.directory}/{name}", overwrite=True)


@contextmanager
def _own_address() -> Iterator[str]:
    """Where the others reach this process: the name of a pod leads to its own address."""
    with reserved_ports(1) as [port]:
        yield f"{socket.gethostbyname(socket.gethostname())}:{port}"
