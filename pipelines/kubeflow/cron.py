"""When a schedule fires: cron as Kubeflow Pipelines reads it, with seconds first and in UTC."""

import datetime
import re
from typing import Final

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
    day, weekday = fields[3], fields[5]
    stepped = [field for field in (day, weekday) if field.startswith(("*/", "?/"))]
    if stepped and (day[0] not in "*?" or weekday[0] not in "*?"):
        raise ConfigurationError(
            f'--cron "{expression}": a step over any day of month, or of week, together with the other of the two is read '
            "differently by different schedulers: write the days out."
        )
    checked = " ".join(fields)
    if not next_times(checked, datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), 1):
        raise ConfigurationError(f'--cron "{expression}" never comes: there is no such date.')
    return checked


def next_times(expression: str, after: datetime.datetime, count: int) -> list[datetime.datetime]:
    """The next times at which a schedule fires.

    Args:
      expression: Six fields, from `check_cron`.
      after: With its time zone.
      count: How many.

    Returns:
      Times in UTC; none if it never fires.
    """
    from croniter import CroniterBadDateError, croniter

    times = croniter(expression.replace("?", "*"), after.astimezone(datetime.UTC), second_at_beginning=True)
    try:
        return [times.get_next(datetime.datetime) for _ in range(count)]
    except CroniterBadDateError:
        return []


def _problem(part: str, position: int) -> str | None:
    match = _PART.fullmatch(part)
    if match is None:
        return "is not understood"
    if "0" in (match["any_step"], match["step"]):
        return "has a step of 0"
    if match["any"]:
        return None
    first, last = _number(match["first"], position), _number(match["last"] or match["first"], position)
    low, high = _BOUNDS[position]
    if first is None or last is None or not (low <= first <= high and low <= last <= high):
        names = f" or {next(iter(_NAMES[position]))} to {list(_NAMES[position])[-1]}" if _NAMES[position] else ""
        return f"must be {low} to {high}{names}"
    return "ends before it begins" if last < first else None


def _number(text: str, position: int) -> int | None:
    return int(text) if text.isdecimal() else _NAMES[position].get(text.upper())
