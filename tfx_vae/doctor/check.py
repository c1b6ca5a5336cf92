"""One finding about the machine, and all of them on one screen."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Status(enum.Enum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Check:
    """One finding. `ok`, `warning` and `failure` make it, so that no complaint comes without a remedy.

    Attributes:
      name: What was looked at, in a word or two.
      status: A failure stops a run; a warning makes it slower or leaves something unknown.
      found: What there is.
      remedy: How to fix it; empty if all is well.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """Nothing to fix."""
    return Check(name, Status.OK, found)


def warning(name: str, found: str, remedy: str) -> Check:
    """A run works, but slower than it could, or something cannot be checked beforehand."""
    return Check(name, Status.WARNING, found, remedy)


def failure(name: str, found: str, remedy: str) -> Check:
    """A run would fail."""
    return Check(name, Status.FAILURE, found, remedy)


def passed(checks: list[Check]) -> bool:
    """Whether a run can work."""
    return all(check.status is not Status.FAILURE for check in checks)


def short(path: Path) -> str:
    """A path, relative to the working directory if it is below that."""
    working_directory = Path.cwd()
    return str(path.relative_to(working_directory) if path.is_relative_to(working_directory) else path)


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
            found.append(f"\nTo fix: {check.remedy}", style=style)
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
