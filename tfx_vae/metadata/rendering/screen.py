"""Where an answer is printed."""

import io
from collections.abc import Callable

import click
from rich.console import Console

_NO_END = 10_000
"""Columns of a pipe: lines go there whole, however long."""


def show_to_person(print_to: Callable[[Console], None]) -> None:
    """Prints as wide as the terminal; plain, in whole lines, where the output goes to a file or to another program."""
    console = Console(highlight=False)
    if console.is_terminal:
        print_to(console)
        return
    buffer = io.StringIO()
    print_to(Console(file=buffer, highlight=False, width=_NO_END))
    # rich fills up lines to the width of their table.
    click.echo("\n".join(line.rstrip() for line in buffer.getvalue().splitlines()))
