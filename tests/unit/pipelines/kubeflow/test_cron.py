"""Cron as Kubeflow's scheduler reads it."""

import datetime

import pytest

from components.errors import ConfigurationError
from pipelines.kubeflow.cron import check_cron, next_times

SUNDAY = datetime.datetime(2026, 11, 22, 17, 0, tzinfo=datetime.UTC)


def at(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, year: int = 2026) -> datetime.datetime:
    return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("0 0 3 * * *", [at(11, 23, 3), at(11, 24, 3), at(11, 25, 3)]),
        ("30 15 3 ? * MON-FRI", [at(11, 23, 3, 15, 30), at(11, 24, 3, 15, 30), at(11, 25, 3, 15, 30)]),
        ("*/20 0 17 * * *", [at(11, 22, 17, 0, 20), at(11, 22, 17, 0, 40), at(11, 23, 17)]),
        ("0 5/15 * * * *", [at(11, 22, 17, 5), at(11, 22, 17, 20), at(11, 22, 17, 35)]),
        ("0 0 0 1 DEC 0", [at(12, 1), at(12, 6), at(12, 13)]),
        ("0 0 0 1 DEC ?", [at(12, 1), at(12, 1, year=2027), at(12, 1, year=2028)]),
        ("0 0 3 22-22 * 1-1", [at(11, 23, 3), at(11, 30, 3), at(12, 7, 3)]),
        ("0 50/5 17 * * *", [at(11, 22, 17, 50), at(11, 22, 17, 55), at(11, 23, 17, 50)]),
        ("0 0 3 1,* * MON", [at(11, 23, 3), at(11, 30, 3), at(12, 7, 3)]),
        ("0 0 3 ? * 5/1", [at(11, 27, 3), at(11, 28, 3), at(12, 4, 3)]),
        ("0 0 3 ? * SAT/1", [at(11, 28, 3), at(12, 5, 3), at(12, 12, 3)]),
        ("0 0 3 22-22/7 * ?", [at(12, 22, 3), at(1, 22, 3, year=2027), at(2, 22, 3, year=2027)]),
        ("0 0 3 */7 * MON", [at(2, 1, 3, year=2027), at(2, 8, 3, year=2027), at(2, 15, 3, year=2027)]),
    ],
)
def test_seconds_come_first_and_times_are_in_utc(expression: str, times: list[datetime.datetime]):
    assert next_times(check_cron(expression), SUNDAY, 3) == times


def test_a_day_that_comes_every_four_years_is_waited_for_and_one_more_than_five_years_away_is_not():
    assert next_times("0 0 0 29 FEB *", SUNDAY, 2) == [at(2, 29, year=2028)]


def test_the_moment_itself_has_passed():
    assert next_times("0 0 17 * * *", SUNDAY, 1) == [at(11, 23, 17)]
    assert next_times("0 0 17 * * *", SUNDAY - datetime.timedelta(microseconds=1), 1) == [SUNDAY]


def test_a_time_in_another_zone_is_converted_before_it_is_compared():
    tokyo = datetime.datetime(2026, 11, 23, 2, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
    assert next_times("0 30 17 * * *", tokyo, 1) == [at(11, 22, 17, 30)]


def test_five_fields_are_refused_with_the_six_that_were_meant():
    with pytest.raises(ConfigurationError, match=r'would read the minute as the second: write "0 0 3 \* \* \*"'):
        check_cron("0 3 * * *")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("daily", "must have six fields, second, minute, hour"),
        ("0 0 24 * * *", "hour '24' must be 0 to 23"),
        ("0 60 3 * * *", "minute '60' must be 0 to 59"),
        ("0 0 3 0 * *", "day of month '0' must be 1 to 31"),
        ("0 0 3 * * 7", "day of week '7' must be 0 to 6 or SUN to SAT"),
        ("0 0 3 L * *", "day of month 'L' must be"),
        ("0 0 3 * * MON#2", "'MON#2' is not understood"),
        ("0 0 5-3 * * *", "'5-3' ends before it begins"),
        ("0 */0 3 * * *", "'\\*/0' has a step of 0"),
        ("0 0 3 1, * *", "'' is not understood"),
        ("0 0 3 30 FEB *", "never fires: there is no such date"),
    ],
)
def test_what_kubeflow_would_refuse_or_misread_is_refused_before_it_is_sent(expression: str, reason: str):
    with pytest.raises(ConfigurationError, match=reason):
        check_cron(expression)


def test_spaces_do_not_matter():
    assert check_cron("  0 0   3 * * *\t") == "0 0 3 * * *"
