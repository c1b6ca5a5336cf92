"""An interruption that nobody can lose."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the run was asked to stop.

    Python raises KeyboardInterrupt wherever it happens to be. Where that is a callback or a broad `except` of a library, the
    exception is lost, and the run would go on to its end.
    """

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self._is_asked_for = False

    def raise_if_asked_for(self) -> None:
        """Stops here at the latest.

        Raises:
          KeyboardInterrupt: The run was asked to stop.
        """
        if self._is_asked_for:
            raise KeyboardInterrupt

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked_for = True
        raise KeyboardInterrupt


@contextmanager
def remembered_interruption() -> Iterator[Interruption]:
    """Remembers SIGINT and SIGTERM, beside raising KeyboardInterrupt, until it is left. For the main thread."""
    interruption = Interruption()
    previous = {number: signal.signal(number, interruption._handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
