"""What is printed when a schedule is made."""

import datetime
import io
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from tfx_vae.kubeflow.command import next_times_table


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_a_schedule_keeps_to_utc_when_the_clocks_here_are_changed():
    before_they_go_back = datetime.datetime(2026, 10, 23, 12, tzinfo=datetime.UTC)
    assert printed("0 30 0 * * *", before_they_go_back) == [
        ["1", "Sat", "2026-10-24", "00:30:00", "Sat", "2026-10-24", "02:30:00", "CEST"],
        ["2", "Sun", "2026-10-25", "00:30:00", "Sun", "2026-10-25", "02:30:00", "CEST"],
        ["3", "Mon", "2026-10-26", "00:30:00", "Mon", "2026-10-26", "01:30:00", "CET"],
    ]
    before_they_go_forward = datetime.datetime(2027, 3, 27, 0, 59, tzinfo=datetime.UTC)
    assert printed("0 0 1 * * *", before_they_go_forward) == [
        ["1", "Sat", "2027-03-27", "01:00:00", "Sat", "2027-03-27", "02:00:00", "CET"],
        ["2", "Sun", "2027-03-28", "01:00:00", "Sun", "2027-03-28", "03:00:00", "CEST"],
        ["3", "Mon", "2027-03-29", "01:00:00", "Mon", "2027-03-29", "03:00:00", "CEST"],
    ]


def printed(cron: str, now: datetime.datetime) -> list[list[str]]:
    printed = io.StringIO()
    console = Console(file=printed, width=80)
    console.print(next_times_table(cron, now))
    return [line.split() for line in printed.getvalue().splitlines()[1:]]
