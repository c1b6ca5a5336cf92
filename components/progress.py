"""How a component reports its progress.

Progress travels as log records, so that a component needs to know nothing of who shows it: without a listener it costs one
function call, with Python's logging configured it is a line in the log, and the local runner turns it into a progress bar.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

LOGGER_NAME: Final = "tfx_vae.progress"
RECORD_ATTRIBUTE: Final = "progress"


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Attributes:
      task: What is being done, e.g. ``"training"``.
      completed: Units that are done.
      total: Units in all, or None if unknown.
      unit: The plural of what is counted, e.g. ``"epochs"``.
      figures: What to show beside the bar, e.g. ``{"eval loss": 101.2}``, in nats per image unless the name says otherwise.
    """

    task: str
    completed: float
    total: float | None
    unit: str
    figures: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        total = "" if self.total is None else f" of {_number(self.total)}"
        figures = "".join(f", {name} {value:.2f}" for name, value in self.figures.items())
        return f"{self.task} {_number(self.completed)}{total} {self.unit}{figures}"


def _number(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


_whole: ContextVar[str] = ContextVar("whole", default="")


@contextmanager
def part_of(whole: str) -> Iterator[None]:
    """Names the whole, such as `trial 3 of 20`, before every piece of work that is reported in this context."""
    token = _whole.set(whole)
    try:
        yield
    finally:
        _whole.reset(token)


def report(progress: Progress) -> None:
    """Tells every listener how far the work is."""
    if whole := _whole.get():
        progress = replace(progress, task=f"{whole}: {progress.task}")
    logging.getLogger(LOGGER_NAME).info("%s", progress, extra={RECORD_ATTRIBUTE: progress})
