"""A self-contained page of figures, tables and words, and the PNG files beside it."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGE_NAME: Final = "index.html"
_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
      name: Of its file, without `.png`; also its anchor.
      png: The file.
      caption: What to see in it.
      alt: What is in it, for those who cannot see it.
    """

    name: str
    png: bytes
    caption: str
    alt: str

    @property
    def data_uri(self) -> str:
        """The file within the page."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes:
      text: What is written.
      note: Smaller, below it.
      tone: `good`, `bad` or nothing, for its colour.
    """

    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first of each a heading.

    Attributes:
      caption: What it shows.
      columns: Headings.
      rows: Cells, one for each column.
      texts: How many columns from the left hold words rather than numbers.
      narrow: Whether half of a desktop's page is enough for it.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    texts: int = 1
    narrow: bool = False


@dataclass(frozen=True)
class Note:
    """A paragraph; also where something is left out, and why."""

    text: str


Block = Figure | Table | Note


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Attributes:
      anchor: Its address within the page.
      title: Its heading.
      introduction: What it is about, in a sentence or two.
      blocks: What it shows.
    """

    anchor: str
    title: str
    introduction: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Tile:
    """A number at the top of the page."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Page:
    """The whole page.

    Attributes:
      title: Its heading.
      summary: What it is about and what came of it, in a few sentences.
      sections: Its parts, in order.
      badge: What stands beside the heading, e.g. whether a model was blessed.
      badge_tone: `good`, `bad` or nothing.
      tiles: Numbers at the top.
    """

    title: str
    summary: Sequence[str]
    sections: Sequence[Section]
    badge: str = ""
    badge_tone: str = ""
    tiles: Sequence[Tile] = field(default_factory=tuple)

    def figures(self) -> Iterator[Figure]:
        """All figures, in order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Figure))


def render(page: Page) -> str:
    """The page as HTML that needs no other file."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests |= {
        "figure": lambda block: isinstance(block, Figure),
        "table": lambda block: isinstance(block, Table),
    }
    return environment.get_template("page.html").render(page=page)


def write(page: Page, directory: Path) -> Path:
    """Writes the page and its figures.

    Args:
      page: What to write.
      directory: Made where it does not exist.

    Returns:
      The page's file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for shown in page.figures():
        (directory / f"{shown.name}.png").write_bytes(shown.png)
    path = directory / PAGE_NAME
    path.write_text(render(page), encoding="utf-8")
    return path
