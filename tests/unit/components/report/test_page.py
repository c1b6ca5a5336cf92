"""The page as a file: it needs no other, says what is in its pictures, and takes text as text."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from components.report.page import Block, Cell, Figure, Note, Page, Section, Table, Tile, render, write

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Elements(HTMLParser):
    """Every element with its attributes, and whether all that was opened was closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def page() -> Page:
    table = Table("A table", ["metric", "value"], [[Cell("loss"), Cell("3", note="-1", tone="good")]])
    blocks: list[Block] = [Figure("picture", PNG, "What to see", 'A "picture" & <more>'), table, Note("Left out, and why")]
    first = Section("first", "First", "About the first", blocks)
    return Page(
        "A <title> & more",
        ["Summary"],
        [first, Section("second", "Second", "", [])],
        "blessed",
        "good",
        [Tile("a", "1", "b")],
        ["What does not compare"],
    )


def test_every_element_is_closed_and_nothing_comes_from_elsewhere(page: Page):
    html = render(page)
    elements = Elements(html)
    assert elements.open == []
    assert not elements.named("script")
    addresses = [value for _, attributes in elements.found for name, value in attributes.items() if name in ("src", "href")]
    assert addresses
    assert all(str(address).startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"url\(|@import|@font-face|https?:", html)


def test_a_picture_is_in_the_page_and_beside_it_and_says_what_it_shows(page: Page, tmp_path: Path):
    path = write(page, tmp_path / "new" / "report")
    [image] = Elements(path.read_text()).named("img")
    assert image["alt"] == 'A "picture" & <more>'
    assert base64.b64decode(str(image["src"]).removeprefix("data:image/png;base64,")) == PNG
    assert (tmp_path / "new" / "report" / "picture.png").read_bytes() == PNG


def test_text_is_shown_as_text(page: Page):
    html = render(page)
    assert "A &lt;title&gt; &amp; more" in html
    assert "<title> & more" not in html


def test_every_section_can_be_reached_from_the_top(page: Page):
    elements = Elements(render(page))
    anchors = {str(link["href"]).removeprefix("#") for link in elements.named("a")}
    assert anchors == {section["id"] for section in elements.named("section")} == {"first", "second"}


def test_a_warning_comes_before_everything_that_it_is_about(page: Page):
    html = render(page)
    assert html.index("What does not compare") < html.index("<dl") < html.index("<main>")
