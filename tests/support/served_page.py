"""The page of `tfx-vae serve` in a headless Chromium, driven by Playwright."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, sync_playwright

_MILLISECONDS = 60_000


class Window(NamedTuple):
    """The window of a desktop or a phone.

    Attributes:
      size: In CSS pixels.
      mobile: Whether it is a phone, which is touched.
    """

    size: ViewportSize
    mobile: bool = False


WIDE = Window({"width": 1280, "height": 900})
NARROW = Window({"width": 390, "height": 844}, mobile=True)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts Debian's Chromium; skips the test if it is not installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    arguments = ["--force-color-profile=srgb", "--font-render-hinting=none", "--lang=en"]
    with sync_playwright() as playwright:
        # Chromium refuses to start as root with its sandbox.
        browser = playwright.chromium.launch(executable_path=program, args=arguments, chromium_sandbox=os.geteuid() != 0)
        yield browser
        browser.close()


class Drawing:
    """The page in a new window, as a user draws on it.

    Attributes:
      page: The page.
      address: Of the server, without a slash at the end.
      problems: Errors and warnings of the console, and exceptions.
      requests: The addresses of all requests.
    """

    def __init__(self, browser: Browser, address: str, window: Window = WIDE) -> None:
        self.page: Page = browser.new_page(
            viewport=window.size, is_mobile=window.mobile, has_touch=window.mobile, device_scale_factor=1 + window.mobile
        )
        self.page.set_default_timeout(_MILLISECONDS)
        self.address = address
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._window = window
        self._posted: list[Any] = []
        self._pending: set[Request] = set()
        self._listen()

    def _listen(self) -> None:
        def begin(request: Request) -> None:
            self.requests.append(request.url)
            self._pending.add(request)
            if request.post_data:
                self._posted.append(request.post_data_json)

        def end(request: Request) -> None:
            self._pending.discard(request)

        def note(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.problems.append(message.text)

        self.page.on("request", begin)
        self.page.on("requestfinished", end)
        self.page.on("requestfailed", end)
        self.page.on("console", note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self) -> None:
        """Opens the page, and waits until the model has filled it."""
        self.page.goto(self.address)
        self.page.wait_for_selector("#samples button:nth-child(16)")
        self.settle()

    def draw(self, points: list[tuple[float, float]]) -> None:
        """Draws a line with the mouse or a finger through points in [0, 1] of the pad, and waits for its score."""
        pad = self.page.locator("#pad")
        pad.evaluate("(pad) => pad.scrollIntoView({block: 'center'})")
        box = pad.bounding_box()
        assert box is not None
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        (self._touch if self._window.mobile else self._stroke)(places)
        self.settle()
        self.page.wait_for_selector("#score")

    def _stroke(self, places: list[tuple[float, float]]) -> None:
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place)
        self.page.mouse.up()

    def _touch(self, places: list[tuple[float, float]]) -> None:
        # Playwright's own touchscreen can only tap.
        session = self.page.context.new_cdp_session(self.page)
        for number, (x, y) in enumerate(places):
            kind = "touchMove" if number else "touchStart"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        session.detach()

    def click(self, selector: str) -> None:
        """Clicks an element, and waits until the page has settled."""
        self.page.click(selector)
        self.settle()

    def settle(self) -> None:
        """Waits until all requests are answered and shown; an answer may lead to another request."""
        deadline = time.monotonic() + _MILLISECONDS / 1000
        quiet = 0
        while quiet < 3:
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(20)
            quiet = 0 if self._pending else quiet + 1

    def text(self, selector: str) -> str:
        """The text of an element."""
        return self.page.text_content(selector) or ""

    def pixels(self, selector: str) -> np.ndarray:
        """What a canvas shows, uint8 [height, width, 3]."""
        # From a copy: a browser warns if the same canvas is read often.
        width, height, data = self.page.eval_on_selector(
            selector,
            "(shown) => { const copy = new OffscreenCanvas(shown.width, shown.height).getContext('2d');"
            " copy.drawImage(shown, 0, 0);"
            " return [shown.width, shown.height, [...copy.getImageData(0, 0, shown.width, shown.height).data]]; }",
        )
        return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]

    def is_shown(self, selector: str) -> bool:
        """Whether an element is visible."""
        return bool(self.page.eval_on_selector(selector, "(element) => element.checkVisibility()"))

    def asked(self, signature: str) -> list[dict[str, Any]]:
        """The inputs of every request to a signature, in order."""
        return [body["inputs"] for body in self._posted if body["signature_name"] == signature]
