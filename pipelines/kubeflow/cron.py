"""When a schedule fires: cron as Kubeflow Pipelines reads it, with seconds first and in UTC."""

import datetime
import itertools
import re
from typing import Final, NamedTuple

from components.errors import ConfigurationError

_FIELDS: Final = ("second", "minute", "hour", "day of month", "month", "day of week")
_BOUNDS: Final = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NAMES: Final[tuple[dict[str, int], ...]] = (
    {}, {}, {}, {},
    dict(zip(_MONTHS, range(1, 13), strict=True)),
    dict(zip(_WEEKDAYS, range(7), strict=True)),
)  # fmt: skip
_PART: Final = re.compile(r"(?P<any>[*?])(/(?P<any_step>\d+))?|(?P<first>\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?")
_EXAMPLE: Final = '"0 0 3 * * *" is every day at 03:00:00 UTC'
_YEARS: Final = 5
"""How far ahead Kubeflow's scheduler looks."""


class _Field(NamedTuple):
    """What one field allows, in order, and whether a star is part of it."""

    values: tuple[int, ...]
    is_any: bool


def check_cron(expression: str) -> str:
    """Refuses what Kubeflow's scheduler (robfig/cron) would refuse, or would read as something else.

    Returns:
      The expression with single spaces.

    Raises:
      ConfigurationError: What is wrong with it.
    """
    fields = expression.split()
    if len(fields) == 5:
        raise ConfigurationError(
            f'--cron "{expression}" has five fields, but Kubeflow\'s cron has six, seconds first, and would read the '
            f'minute as the second: write "0 {" ".join(fields)}".'
        )
    if len(fields) != len(_FIELDS):
        raise ConfigurationError(f'--cron "{expression}" must have six fields, {", ".join(_FIELDS)}: {_EXAMPLE}.')
    for position, field in enumerate(fields):
        for part in field.split(","):
            if problem := _problem(part, position):
                raise ConfigurationError(f'--cron "{expression}": the {_FIELDS[position]} {part!r} {problem}; {_EXAMPLE}.')
    checked = " ".join(fields)
    if not next_times(checked, datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), 1):
        raise ConfigurationError(f'--cron "{expression}" never comes: there is no such date.')
    return checked


def next_times(expression: str, after: datetime.datetime, count: int) -> list[datetime.datetime]:
    """The next times at which a schedule fires, as robfig/cron 1.2 finds them, which Kubeflow's scheduler uses.

    Args:
      expression: Six fields, from `check_cron`.
      after: With its time zone.
      count: How many.

    Returns:
      Times in UTC; fewer than `count`, or none, where it does not fire so often within five years.
    """
    after = after.astimezone(datetime.UTC)
    second, minute, hour, day, month, weekday = (_parse(field, place) for place, field in enumerate(expression.split()))
    times: list[datetime.datetime] = []
    date = after.date()
    while len(times) < count and date.year <= after.year + _YEARS:
        if date.month in month.values and _is_day(date, day, weekday):
            moments = itertools.product(hour.values, minute.values, second.values)
            found = (datetime.datetime.combine(date, datetime.time(*moment), datetime.UTC) for moment in moments)
            times += itertools.islice((time for time in found if time > after), count - len(times))
        date += datetime.timedelta(days=1)
    return times


def _parse(field: str, position: int) -> _Field:
    matches = [match for part in field.split(",") if (match := _PART.fullmatch(part))]
    values: set[int] = set()
    for match in matches:
        first, last = _ends(match, position)
        if first is not None and last is not None:
            values |= set(range(first, last + 1, int(match["any_step"] or match["step"] or 1)))
    return _Field(tuple(sorted(values)), any(match["any"] for match in matches))


def _is_day(date: datetime.date, day: _Field, weekday: _Field) -> bool:
    is_day, is_weekday = date.day in day.values, date.isoweekday() % 7 in weekday.values
    # Two that are both restricted are alternatives: "the 1st, and Mondays".
    return is_day and is_weekday if day.is_any or weekday.is_any else is_day or is_weekday


def _problem(part: str, position: int) -> str | None:
    match = _PART.fullmatch(part)
    if match is None:
        return "is not understood"
    if "0" in (match["any_step"], match["step"]):
        return "has a step of 0"
    (first, last), (low, high) = _ends(match, position), _BOUNDS[position]
    if first is None or last is None or not (low <= first <= high and low <= last <= high):
        names = f" or {next(iter(_NAMES[position]))} to {list(_NAMES[position])[-1]}" if _NAMES[position] else ""
        return f"must be {low} to {high}{names}"
    return "ends before it begins" if last < first else None


def _ends(match: re.Match[str], position: int) -> tuple[int | None, int | None]:
    """The first and the last number that a part allows; None for a word that is no number."""
    low, high = _BOUNDS[position]
    if match["any"]:
        return low, high
    first = _number(match["first"], position)
    if match["last"]:
        return first, _number(match["last"], position)
    return first, high if match["step"] else first  # "5/15" is every fifteenth from the fifth on


def _number(text: str, position: int) -> int | None:
    return int(text) if text.isdecimal() else _NAMES[position].get(text.upper())
