"""Tables on a terminal and in a pipe, quantities in words, and graphs for Mermaid and Graphviz."""

import io

import pytest
from rich.console import Console

from tfx_vae.metadata.drawings import as_dot, as_mermaid
from tfx_vae.metadata.lineage import Edge, Kind, Lineage, Node
from tfx_vae.metadata.printing import Cell, Column, describe_seconds, describe_size, fit, print_columns

COLUMNS = [Column("ID", is_number=True), Column("URI", shrinks_to=6, keeps_end=True), Column("NOTE", is_optional=True)]
ROWS = [[Cell("7"), Cell("/runs/model/7"), Cell("first")], [Cell("12"), Cell("/runs/model/12"), Cell("")]]


def printed(width: int, terminal: bool) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
    print_columns(console, COLUMNS, ROWS)
    return file.getvalue().splitlines()


def test_in_a_pipe_lines_are_whole_however_long():
    assert printed(10, terminal=False) == [
        "ID  URI             NOTE",
        " 7  /runs/model/7   first",
        "12  /runs/model/12",
    ]


def test_a_narrow_terminal_gets_fewer_columns_and_then_shorter_texts():
    assert printed(20, terminal=True) == ["ID  URI", " 7  /runs/model/7", "12  /runs/model/12"]
    assert printed(14, terminal=True) == ["ID  URI", " 7  …s/model/7", "12  …/model/12"]


def test_no_line_is_wider_than_the_terminal_as_long_as_that_can_be():
    for width in range(10, 30):
        assert max(map(len, printed(width, terminal=True))) <= width


def test_the_widest_column_is_shortened_first():
    columns = [Column("A", shrinks_to=2), Column("B", shrinks_to=2)]
    assert fit([10, 4], columns, 10) == [4, 4]
    assert fit([10, 4], columns, 3) == [2, 2]


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "-"), (8.44, "8.4 s"), (185, "3 min 05 s"), (7620, "2 h 07 min"), (59.99, "60.0 s")]
)
def test_durations_are_read_at_a_glance(seconds: float | None, words: str):
    assert describe_seconds(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_300_000, "4.3 MB"), (2 * 10**15, "2000.0 TB")],
)
def test_sizes_are_in_powers_of_a_thousand(size: int | None, words: str):
    assert describe_size(size) == words


LINEAGE = Lineage(
    ("artifact-2",),
    downstream=False,
    nodes={
        "artifact-2": Node("artifact-2", Kind.ARTIFACT, 'Model 2 "best" #1', {}),
        "execution-1": Node("execution-1", Kind.EXECUTION, "Trainer", {}),
    },
    edges=[Edge("execution-1", "artifact-2", "model")],
)


def test_mermaid_has_a_line_for_each_node_and_edge_and_escapes_labels():
    assert as_mermaid(LINEAGE).splitlines() == [
        "flowchart LR",
        '  artifact-2["Model 2 #quot;best#quot; #35;1"]',
        '  execution-1(["Trainer"])',
        '  execution-1 -->|"model"| artifact-2',
    ]


def test_dot_has_a_line_for_each_node_and_edge_and_escapes_labels():
    assert as_dot(LINEAGE).splitlines()[2:] == [
        '  "artifact-2" [label="Model 2 \\"best\\" #1", shape=box];',
        '  "execution-1" [label="Trainer", shape=ellipse];',
        '  "execution-1" -> "artifact-2" [label="model"];',
        "}",
    ]
