"""What becomes of Ctrl-C, and of SIGTERM, when a library loses it."""

import os
import signal
from contextlib import suppress

import pytest

from pipelines.local.interruption import remembered_interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_that_was_swallowed_is_raised_again(number: signal.Signals):
    with remembered_interruption() as interruption:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            interruption.raise_if_asked_for()


def test_nothing_is_raised_where_nobody_asked():
    with remembered_interruption() as interruption:
        interruption.raise_if_asked_for()


def test_signals_are_handled_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with remembered_interruption():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
