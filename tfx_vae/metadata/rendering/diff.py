"""`tfx-vae diff` for a person."""

import json
import re
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tfx_vae.metadata.questions.diff import RunDifferences
from tfx_vae.metadata.rendering.words import NONE

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN_OF_A_DIGEST: Final = 12


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
    console.print(_change("run", differences.first.id, differences.second.id))
    for section, found in sections.items():
        if found:
            console.print(Text(section, "bold"))
        for difference in found:
            line = _change(difference.name, _value(difference.first), _value(difference.second))
            console.print(Padding(line, (0, 0, 0, 2), expand=False))


def _change(name: str, first: str, second: str) -> Text:
    return Text.assemble(f"{name}  ", (first, "red"), " → ", (second, "green"))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return f"{value[:_SHOWN_OF_A_DIGEST]}…" if _DIGEST.fullmatch(value) else value
    return NONE if value is None else json.dumps(value)
