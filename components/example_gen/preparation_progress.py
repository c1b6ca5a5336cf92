"""Turns the progress bars of tensorflow-datasets into progress reports."""

import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, Self

from tensorflow_datasets.core.utils import tqdm_utils

from components.example_gen.swapped_attribute import swapped_attribute
from components.progress import Progress, report

SECONDS_BETWEEN_REPORTS: Final = 0.1

# It counts splits, of which there are two or three, around the bars that count their examples.
_OUTER_BAR: Final = "Generating splits"


@contextmanager
def reported_preparation(dataset: str) -> Iterator[None]:
    """Inside, tensorflow-datasets reports its progress instead of drawing bars on stderr.

    It has no hook for that: every bar of it comes from one module attribute, which is swapped and put back. So is its list of
    asynchronous bars, in which those of a download that failed stay for ever, and are drawn with the next one's.

    Args:
      dataset: What is prepared, as it appears in the reports' task.
    """
    bar = functools.partial(_ReportingBar, _at_intervals(report), dataset)
    # Its asynchronous bars ask the class for a lock.
    bar.get_lock = threading.RLock  # type: ignore[attr-defined]  # a partial takes attributes
    with (
        swapped_attribute(tqdm_utils, "tqdm_lib", SimpleNamespace(tqdm=bar)),
        swapped_attribute(tqdm_utils._TqdmPbarAsync, "_tqdm_bars", []),
    ):
        yield


class _ReportingBar:
    """As much of a tqdm bar as tensorflow-datasets uses."""

    def __init__(
        self,
        tell: Callable[[Progress], None],
        dataset: str,
        iterable: Iterable[Any] = (),
        *,
        desc: str = "",
        total: float | None = None,
        unit: str = "steps",
        **_: Any,
    ) -> None:
        self._tell = tell
        self._iterable = iterable
        self._task = _task(desc)
        self._description = f"preparing {dataset}: {self._task.lower()}"
        self._unit = unit.strip()
        self._done = 0.0
        self.total = total

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterable:
            yield item
            self.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, n: float = 1) -> None:
        """Called after every `n` units."""
        self._done += n
        self.refresh()

    def refresh(self) -> None:
        """Called wherever tqdm would draw."""
        if self._task != _OUTER_BAR:
            self._tell(Progress(self._description, self._done, self.total, self._unit))


def _task(description: str) -> str:
    """`Generating train examples...` without dots, and `Shuffling <path>...` without the path, which is of no use here."""
    task = description.strip().removesuffix("...")
    return "Shuffling examples" if task.startswith("Shuffling ") else task


def _at_intervals(tell: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Passes on the first report and those that come late enough after the one before."""
    next_report = 0.0

    def tell_at_intervals(progress: Progress) -> None:
        nonlocal next_report
        now = time.monotonic()
        if now >= next_report:
            next_report = now + SECONDS_BETWEEN_REPORTS
            tell(progress)

    return tell_at_intervals
