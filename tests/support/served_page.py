"""The page of `tfx-vae serve` on the real server, as a person uses it in the browser."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from support.browser import Page

from tfx_vae.serving.server.application import make_application
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.listening import allowed_hosts, open_port
from tfx_vae.serving.server.versions import AvailableVersions
from tfx_vae.serving.server.watcher import ServingDirectory, Watcher

WIDE, NARROW = (1280, 900, False), (390, 844, True)
"""Width and height of the window in CSS pixels, and whether it is a telephone."""


class Site:
    """A server over the serving directory of the model that it is called after, at one address however often it is started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._available = AvailableVersions(directory.name)
        self._watcher = Watcher(ServingDirectory(directory), self._available, lambda _sentence: None)
        with open_port("127.0.0.1", 0) as listener:
            self._port = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}/"

    def push(self, model: Path, version: int) -> None:
        """Puts a model where the server looks, as the Pusher does: whole at once."""
        self.directory.mkdir(parents=True, exist_ok=True)
        shutil.copytree(model, self.directory / f".{version}")
        (self.directory / f".{version}").rename(self.directory / str(version))

    def wait_for(self, version: int) -> None:
        """Waits until a version answers."""
        deadline = time.monotonic() + 60
        while self._available.current_version != version:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answers requests until it is left."""
        self._watcher.look()
        application = make_application(self._available, self._watcher, Limits(), allowed_hosts("127.0.0.1"))
        server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
        with open_port("127.0.0.1", self._port) as listener:
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                self._wait()
                yield
            finally:
                server.should_exit = True
                thread.join()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


class Drawing:
    """The page as a person uses it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, width: int, height: int, mobile: bool) -> None:
        """Opens the page and waits until the model has filled it."""
        self.page.open(self.address, width, height, mobile)
        self._is_touched = mobile
        self.page.wait_for("document.querySelectorAll('#samples button').length === 16")
        self.settle()

    def draw(self, points: list[tuple[float, float]]) -> None:
        """Draws a line with the mouse, or a finger, through points in [0, 1] of the pad, and waits for its score."""
        left, top, width, height = self.page.place("#pad")
        places = [(left + x * width, top + y * height) for x, y in points]
        (self.page.touch if self._is_touched else self.page.stroke)(places)
        self.settle()
        self.page.wait_for("!document.querySelector('#score').hidden")

    def settle(self) -> None:
        """Waits until whatever was asked is answered and shown: an answer may lead to another question."""
        deadline = time.monotonic() + 30
        quiet = 0
        while quiet < 3:
            assert time.monotonic() < deadline
            self.page.evaluate("new Promise((done) => setTimeout(done, 20))")
            quiet = 0 if self.page.pending else quiet + 1

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.page.evaluate(f"document.querySelector('{selector}').textContent"))

    def pixels(self, selector: str) -> np.ndarray:
        """What a canvas shows, uint8 [height, width, 3]."""
        # From a copy: a browser warns of whoever reads the same canvas again and again.
        width, height, data = self.page.evaluate(
            f"(() => {{ const shown = document.querySelector('{selector}');"
            " const copy = new OffscreenCanvas(shown.width, shown.height).getContext('2d', {willReadFrequently: true});"
            " copy.drawImage(shown, 0, 0);"
            " return [shown.width, shown.height, [...copy.getImageData(0, 0, shown.width, shown.height).data]]; })()"
        )
        return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]

    def is_shown(self, selector: str) -> bool:
        """Whether an element can be seen."""
        return bool(self.page.evaluate(f"document.querySelector('{selector}').checkVisibility()"))

    def asked(self, signature: str) -> list[dict[str, Any]]:
        """The inputs of every request for a signature, in order."""
        return [body["inputs"] for body in self.page.posted if body["signature_name"] == signature]
