"""A headless Chromium of our own, driven through the Chrome DevTools Protocol over a pipe: no port, no driver, no package.

https://chromedevtools.github.io/devtools-protocol/; messages are JSON, each ended by a zero byte.
"""

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 60
_ARGUMENTS = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
    "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb", "--font-render-hinting=none", "--lang=en",
)  # fmt: skip


class Page:
    """A tab. Whatever goes wrong in it, and every request that it makes, is written down."""

    def __init__(self, browser: "_Browser", session: str) -> None:
        self._browser = browser
        self._session = session
        self.problems: list[str] = []
        """Errors and warnings of the console, exceptions, refusals of the content security policy."""
        self.requests: list[str] = []
        """The addresses of all requests."""
        self.posted: list[Any] = []
        """The bodies of those that had one, as JSON."""
        self.pending: set[str] = set()
        """Requests that are not answered yet."""
        browser.listeners[session] = self._hear
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Network.enable", maxPostDataSize=2**24)

    def forget(self) -> None:
        """Leaves the page, and with it whatever went wrong and was asked."""
        self.call("Page.navigate", url="about:blank")
        self.wait_for("location.href === 'about:blank'")
        for record in (self.problems, self.requests, self.posted, self.pending):
            record.clear()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol."""
        return self._browser.call(method, parameters, self._session)

    def open(self, address: str, width: int, height: int, mobile: bool = False) -> None:
        """Goes to an address in a window of a size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=mobile)
        self.call("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page's own script; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Waits until an expression is true, and gives its value."""
        deadline = time.monotonic() + _SECONDS
        while not (value := self.evaluate(expression)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{expression} did not become true; the page's problems: {self.problems}")
            time.sleep(0.02)
        return value

    def place(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width and height of an element, scrolled into view."""
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
        )
        return box[0], box[1], box[2], box[3]

    def click(self, selector: str) -> None:
        """Clicks the middle of an element."""
        left, top, width, height = self.place(selector)
        self.stroke([(left + width / 2, top + height / 2)])

    def stroke(self, points: list[tuple[float, float]]) -> None:
        """Presses the left mouse button at the first point, moves along the others, and lets go."""
        for number, (x, y) in enumerate(points):
            self._mouse("mouseMoved" if number else "mousePressed", x, y)
        self._mouse("mouseReleased", *points[-1])

    def touch(self, points: list[tuple[float, float]]) -> None:
        """The same with a finger."""
        for number, (x, y) in enumerate(points):
            self.call("Input.dispatchTouchEvent", type="touchMove" if number else "touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str, code: int, control: bool = False) -> None:
        """Presses a key, by its name and its Windows key code."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=2 if control else 0)

    def screenshot(self, whole: bool = True) -> bytes:
        """A PNG of the page, with what one would have to scroll to or without."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize" if whole else "cssLayoutViewport"]
        width, height = (size.get(name, size.get(f"client{name.title()}")) for name in ("width", "height"))
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(answer["data"])

    def _mouse(self, kind: str, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def _hear(self, method: str, parameters: dict[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.problems.append(str(details.get("exception", details).get("description", details)))
            case "Runtime.consoleAPICalled" if parameters["type"] in {"error", "warning", "assert"}:
                self.problems.append(str([argument.get("value") for argument in parameters["args"]]))
            case "Log.entryAdded" if parameters["entry"]["level"] in {"error", "warning"}:
                self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
                self.pending.add(parameters["requestId"])
                if "postData" in parameters["request"]:
                    self.posted.append(json.loads(parameters["request"]["postData"]))
            case "Network.loadingFinished" | "Network.loadingFailed":
                self.pending.discard(parameters["requestId"])


class _Browser:
    """Sends calls, and gives events to whom they are for."""

    def __init__(self, commands: int, messages: int) -> None:
        self._commands = commands
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._number = 0
        self.listeners: dict[str, Any] = {}
        threading.Thread(target=self._read, args=(messages,), daemon=True).start()

    def call(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        while True:
            answer = self._answers.get(timeout=_SECONDS)
            if answer["id"] == self._number:
                break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    def _read(self, messages: int) -> None:
        rest = b""
        while data := os.read(messages, 2**20):
            *whole, rest = (rest + data).split(b"\0")
            for message in map(json.loads, whole):
                if "id" in message:
                    self._answers.put(message)
                elif (listener := self.listeners.get(message.get("sessionId", ""))) is not None:
                    listener(message["method"], message["params"])


@contextmanager
def chromium() -> Iterator[Page]:
    """Starts Chromium with one empty tab; skips the test where it is not installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    (command_end, our_commands), (our_messages, message_end) = os.pipe(), os.pipe()
    # Root may start it only without its sandbox; it sees nothing but our own page.
    arguments = [*_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with tempfile.TemporaryDirectory(prefix="tfx-vae-chromium-", ignore_cleanup_errors=True) as profile:
        log = Path(profile) / "log"
        with log.open("w") as output:
            # It reads from descriptor 3 and writes to 4; ours may have just these numbers, hence the copies.
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (command_end, message_end)]
            redirection = f'exec "$0" "$@" 3<&{ends[0]} 4>&{ends[1]}'
            process = subprocess.Popen(
                ["bash", "-c", redirection, program, *arguments, f"--user-data-dir={profile}/profile", "about:blank"],
                pass_fds=ends,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": profile},
            )
        for end in (command_end, message_end, *ends):
            os.close(end)
        try:
            browser = _Browser(our_commands, our_messages)
            [tab] = [t for t in browser.call("Target.getTargets", {})["targetInfos"] if t["type"] == "page"]
            attached = browser.call("Target.attachToTarget", {"targetId": tab["targetId"], "flatten": True})
            yield Page(browser, attached["sessionId"])
        except queue.Empty:
            raise RuntimeError(f"Chromium does not answer: {log.read_text()[-2000:]}") from None
        finally:
            os.close(our_commands)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(our_messages)
