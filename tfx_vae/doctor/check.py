"""What one look at the machine finds."""

import enum
from dataclasses import dataclass
from pathlib import Path


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
      remedy: How to mend it; empty if all is well.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """Nothing to mend."""
    return Check(name, Status.OK, found)


def warning(name: str, found: str, remedy: str) -> Check:
    """A run works, but slower than it could, or nobody can tell beforehand."""
    return Check(name, Status.WARNING, found, remedy)


def failure(name: str, found: str, remedy: str) -> Check:
    """A run would fail."""
    return Check(name, Status.FAILURE, found, remedy)


def passed(checks: list[Check]) -> bool:
    """Whether nothing stands in the way of a run."""
    return all(check.status is not Status.FAILURE for check in checks)


def short(path: Path) -> str:
    """A path as a person in the working directory would type it."""
    working_directory = Path.cwd()
    return str(path.relative_to(working_directory) if path.is_relative_to(working_directory) else path)
