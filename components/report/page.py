"""A self-contained page of figures, tables and text, and the PNG files beside it."""

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
      name: The name of its file without `.png`; also its anchor.
      png: The content of the file.
      caption: What to see in it.
      alt: A description for readers who cannot see it.
    """

    name: str
    png: bytes
    caption: str
    alt: str

    @property
    def data_uri(self) -> str:
        """The file as a URI within the page."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    Attributes:
      text: The text of the cell.
      note: A smaller text below it.
      tone: `good`, `bad` or empty; sets the colour.
    """

    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of each row is a heading.

    Attributes:
      caption: What the table shows.
      columns: Headings of the columns.
      rows: Cells, one for each column.
      texts: Number of columns, from the left, that have text and not numbers.
      narrow: Whether half of a desktop page is wide enough.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    texts: int = 1
    narrow: bool = False

    @property
    def described(self) -> bool:
        """Whether the headings of rows have notes. On a telephone the values are then below them, not beside."""
        return any(row[0].note for row in self.rows)


@dataclass(frozen=True)
class Note:
    """A paragraph, for example about why a figure is missing."""

    text: str


Block = Figure | Table | Note


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Attributes:
      anchor: The address within the page.
      title: The heading.
      introduction: What the section is about, in one or two sentences.
      blocks: Figures, tables and notes.
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
      title: The heading.
      summary: The subject and the result, in a few sentences.
      sections: The sections, in order.
      badge: A short text beside the heading, e.g. `blessed`.
      badge_tone: `good`, `bad` or empty.
      tiles: Numbers at the top.
      warnings: What to know before one looks at any of it.
    """

    title: str
    summary: Sequence[str]
    sections: Sequence[Section]
    badge: str = ""
    badge_tone: str = ""
    tiles: Sequence[Tile] = field(default_factory=tuple)
    warnings: Sequence[str] = ()

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
      directory: Where to write; it is created if it does not exist.

    Returns:
      The path of the page.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for shown in page.figures():
        (directory / f"{shown.name}.png").write_bytes(shown.png)
    path = directory / PAGE_NAME
    path.write_text(render(page), encoding="utf-8")
    return path
