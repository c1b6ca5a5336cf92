"""`tfx-vae diff` for a person."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.metadata.questions.diff import Difference, RunDifferences
from pipelines.metadata.rendering.words import NONE


def print_differences(differences: RunDifferences, console: Console) -> None:
    """Prints what differs, by section; one line if nothing does."""
    sections = {
        "parameters": differences.parameters,
        "versions": differences.versions,
        "data": differences.data,
        "metrics": differences.metrics,
        "outcome": differences.outcome,
    }
    if not any(sections.values()):
        console.print(Text("The runs differ in nothing that ML Metadata knows."))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    table.add_column(Text(differences.first.id), overflow="fold")
    table.add_column(Text(differences.second.id), overflow="fold")
    for section, found in sections.items():
        if found:
            table.add_row(Text(section, "bold"))
        for difference in found:
            table.add_row(*_row(difference))
    console.print(table)


def _row(difference: Difference) -> tuple[Text, Text, Text]:
    return Text(f"  {difference.name}"), Text(_value(difference.first), "red"), Text(_value(difference.second), "green")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return NONE if value is None else value if isinstance(value, str) else json.dumps(value)
