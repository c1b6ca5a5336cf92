"""The server of `tfx-vae serve` in this process."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette

from tfx_vae.serving.server.application import make_application
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.listening import allowed_hosts, make_server, open_port
from tfx_vae.serving.server.pages import Access
from tfx_vae.serving.server.versions import AvailableVersions
from tfx_vae.serving.server.watcher import ServingDirectory, Watcher

NAME = "mnist-vae"
MODEL = f"/v1/models/{NAME}"
PREDICT = f"{MODEL}:predict"
HOST = "127.0.0.1"


class LocalServer:
    """A server over a serving directory; it has the same address each time it runs.

    Attributes:
      directory: The serving directory.
      reports: What the server told the user.
      port: Of HOST.
      address: `http://HOST:PORT`.
    """

    def __init__(self, directory: Path, limits: Limits | None = None, name: str = NAME, origins: Sequence[str] = ()) -> None:
        self.directory = directory
        self.reports: list[str] = []
        with open_port(HOST, 0) as listener:
            self.port = int(listener.getsockname()[1])
        self.address = f"http://{HOST}:{self.port}"
        self._name = name
        self._limits = limits or Limits()
        self._origins = origins

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answers requests until the block ends."""
        available = AvailableVersions(self._name)
        watcher = Watcher(ServingDirectory(self.directory), available, self.reports.append)
        watcher.look()
        application = make_application(available, watcher, self._limits, Access(allowed_hosts(HOST), self._origins))
        with open_port(HOST, self.port) as listener, answering(application, listener):
            yield

    def push(self, model: Path, version: int) -> Path:
        """Puts a model into the directory in one step, as the Pusher does."""
        return push(self.directory, model, version)

    def delete(self, version: int) -> None:
        shutil.rmtree(self.directory / str(version))

    def states(self) -> dict[int, str]:
        """The state of every version."""
        statuses = httpx.get(f"{self.address}/v1/models/{self._name}", timeout=60).json()["model_version_status"]
        return {int(status["version"]): status["state"] for status in statuses}


@contextmanager
def answering(application: Starlette, listener: socket.socket) -> Iterator[None]:
    """Runs an application in a thread until the block ends."""
    server = make_server(application)
    server.config.timeout_graceful_shutdown = 1
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serving(directory: Path, limits: Limits, origins: Sequence[str] = ()) -> Iterator[LocalServer]:
    """A server that runs until the block ends."""
    server = LocalServer(directory, limits, origins=origins)
    with server.running():
        yield server


def push(directory: Path, model: Path, version: int) -> Path:
    """Puts a model into a serving directory in one step."""
    directory.mkdir(parents=True, exist_ok=True)
    staging = directory / f".pushing-{version}"
    shutil.copytree(model, staging)
    return staging.rename(directory / str(version))


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits until a condition is true, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
