"""All that this repository uses of tensorflow-datasets beyond its public interface.

It has no public way to parse a dataset's name, to recognise a wrong checksum or a broken archive, to limit how long a download
is tried, and to hear of its progress. tests/unit/components/example_gen/test_private_tfds.py says what an upgrade breaks.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, Self

from tensorflow_datasets.core.download import downloader
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.extractor import ExtractError
from tensorflow_datasets.core.naming import parse_builder_name_kwargs
from tensorflow_datasets.core.utils import tqdm_utils

from components.progress import Progress, report

__all__ = ["ExtractError", "NonMatchingChecksumError", "parse_builder_name_kwargs", "preparation_settings"]

SECONDS_BETWEEN_REPORTS: Final = 0.1

# With ten, the default, a machine without a network waits for more than three minutes before it says so.
_DOWNLOAD_RETRIES: Final = 4

# The bar that counts two or three splits, around the bars that count their examples.
_OUTER_BAR: Final = "Generating splits"


@contextmanager
def preparation_settings(dataset: str) -> Iterator[None]:
    """Inside, tensorflow-datasets reports its progress instead of drawing bars on stderr, and tries a download five times.

    Every bar comes from one module attribute. Its list of asynchronous bars is replaced too: bars of a download that failed
    stay in it, and would be drawn with the next download.

    Args:
      dataset: The dataset's name for the reports' task.
    """
    bar = functools.partial(_ReportingBar, _at_intervals(report), dataset)
    # Its asynchronous bars ask the class for a lock.
    bar.get_lock = threading.RLock  # type: ignore[attr-defined]  # a partial takes attributes
    with (
        _replaced(tqdm_utils, "tqdm_lib", SimpleNamespace(tqdm=bar)),
        _replaced(tqdm_utils._TqdmPbarAsync, "_tqdm_bars", []),
        _replaced(downloader, "MAX_RETRIES", _DOWNLOAD_RETRIES),
    ):
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Inside, `owner.name` is `value`."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class _ReportingBar:
    """The parts of a tqdm bar that tensorflow-datasets uses."""

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
    """`Generating train examples...` without the dots, and `Shuffling <path>...` without the path."""
    task = description.strip().removesuffix("...")
    return "Shuffling examples" if task.startswith("Shuffling ") else task


def _at_intervals(tell: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Passes on the first report, and each that comes long enough after the one before."""
    next_report = 0.0

    def tell_at_intervals(progress: Progress) -> None:
        nonlocal next_report
        now = time.monotonic()
        if now >= next_report:
            next_report = now + SECONDS_BETWEEN_REPORTS
            tell(progress)

    return tell_at_intervals
