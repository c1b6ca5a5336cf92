"""The page of `tfx-vae ui`: its server in this process, and a window of a headless Chromium."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, ViewportSize
from support.local_server import HOST, answering

from pipelines.mlmd.location import DATABASE_NAME, sqlite_location
from tfx_vae.serving.server.listening import address_of, allowed_hosts, open_port
from tfx_vae.serving.server.pages import Access
from tfx_vae.ui.actions import Actions
from tfx_vae.ui.answers import Answers
from tfx_vae.ui.application import make_application

# An element of SVG has no innerText.
_TEXTS = "(all) => all.map((each) => each.innerText ?? each.textContent)"


@contextmanager
def serving_runs(root: Path, actions: Actions | None = None) -> Iterator[str]:
    """The address of a server of the runs below a root."""
    application = make_application(Answers(sqlite_location(root / DATABASE_NAME), root), Access(allowed_hosts(HOST)), actions)
    with open_port(HOST, 0) as listener, answering(application, listener):
        yield address_of(listener)


@dataclass
class Window:
    """The page in a window of a browser.

    Attributes:
      page: The page.
      address: Of the server.
      problems: Errors and warnings of the console, and exceptions.
      requests: The addresses of all requests.
    """

    page: Page
    address: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(30_000)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda told: self.problems.append(told.text) if told.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self, where: str) -> None:
        """Goes to a page by its address behind the #."""
        self.page.goto(f"{self.address}/#{where}")

    def changes_the_runs(self, changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """From now on the server's runs are others, as if somebody had worked on them."""

        def answer(route: Route) -> None:
            response = route.fetch()
            body = {**response.json(), "runs": changed(response.json()["runs"])}
            route.fulfill(json=body, headers={"ETag": '"changed"'})

        self.page.route("**/api/runs*", answer)

    def texts(self, selector: str) -> list[str]:
        """What elements say."""
        return [" ".join(text.split()) for text in self.page.locator(selector).evaluate_all(_TEXTS)]


def new_window(browser: Browser, address: str, width: int = 1280, scheme: str = "light") -> Window:
    size: ViewportSize = {"width": width, "height": 900}
    return Window(browser.new_page(viewport=size, color_scheme="dark" if scheme == "dark" else "light"), address)
