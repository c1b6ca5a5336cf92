"""The findings as one screen for a person."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfx_vae.doctor.check import Check, Status

_STYLES: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "bold red"}


def render(checks: list[Check], console: Console) -> None:
    """Prints a line a check, below each complaint its remedy, and at the end the verdict."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        style = _STYLES[check.status]
        found = Text(check.found)
        if check.remedy:
            found.append(f"\nTo mend: {check.remedy}", style=style)
        table.add_row(Text(check.status.value, style=style), Text(check.name, style="bold"), found)
    console.print(table)
    console.print()
    console.print(verdict(checks))


def verdict(checks: list[Check]) -> Text:
    """One sentence over all findings."""
    failures = sum(check.status is Status.FAILURE for check in checks)
    warnings = sum(check.status is Status.WARNING for check in checks)
    counts = [
        f"{count} {word}{'s' if count > 1 else ''}" for count, word in ((failures, "failure"), (warnings, "warning")) if count
    ]
    if failures:
        return Text(f"This machine cannot run it yet: {', '.join(counts)}.", style=_STYLES[Status.FAILURE])
    if warnings:
        return Text(f"This machine can run it, with {counts[0]}.", style=_STYLES[Status.WARNING])
    return Text("This machine can run it.", style=_STYLES[Status.OK])
