"""The server of `tfx-vae serve` in this process, over a serving directory of its own."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tfx_vae.serving.server.application import make_application
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.listening import allowed_hosts, make_server, open_port
from tfx_vae.serving.server.versions import AvailableVersions
from tfx_vae.serving.server.watcher import ServingDirectory, Watcher

NAME = "mnist-vae"
MODEL = f"/v1/models/{NAME}"
PREDICT = f"{MODEL}:predict"
HOST = "127.0.0.1"


class LocalServer:
    """A server, and the directory that it serves.

    Attributes:
      directory: The serving directory.
      reports: What the server told whoever started it.
      port: Of HOST.
      address: `http://HOST:PORT`.
    """

    def __init__(self, directory: Path, listener: socket.socket) -> None:
        self.directory = directory
        self.reports: list[str] = []
        self.port = int(listener.getsockname()[1])
        self.address = f"http://{HOST}:{self.port}"

    def push(self, model: Path, version: int) -> Path:
        """Puts a model into the directory, whole at once, as the Pusher does."""
        return push(self.directory, model, version)

    def delete(self, version: int) -> None:
        shutil.rmtree(self.directory / str(version))

    def states(self) -> dict[int, str]:
        """The state of every version."""
        statuses = httpx.get(self.address + MODEL, timeout=60).json()["model_version_status"]
        return {int(status["version"]): status["state"] for status in statuses}


@contextmanager
def serving(directory: Path, limits: Limits) -> Iterator[LocalServer]:
    """Answers requests until it is left."""
    with open_port(HOST, 0) as listener:
        server = LocalServer(directory, listener)
        available = AvailableVersions(NAME)
        watcher = Watcher(ServingDirectory(directory), available, server.reports.append)
        watcher.look()
        uvicorn = make_server(make_application(available, watcher, limits, allowed_hosts(HOST)))
        thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: uvicorn.started)
            yield server
        finally:
            uvicorn.should_exit = True
            thread.join()


def push(directory: Path, model: Path, version: int) -> Path:
    """Puts a model into a serving directory, whole at once."""
    directory.mkdir(parents=True, exist_ok=True)
    staging = directory / f".pushing-{version}"
    shutil.copytree(model, staging)
    return staging.rename(directory / str(version))


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits until something is so, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
