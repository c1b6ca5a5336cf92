"""What to keep beyond what must be kept."""

import re
from dataclasses import dataclass
from datetime import timedelta

from components.errors import ConfigurationError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Policy:
    """What to keep beyond what must be kept.

    Attributes:
      keep_last: All that the newest so many runs of each pipeline made or used.
      older_than: What was made or used within this time; None for no such rule.
    """

    keep_last: int = 1
    older_than: timedelta | None = None


def parse_age(text: str) -> timedelta:
    """Reads an age such as `30d`: a number and one of m (minutes), h, d, w.

    Raises:
      ConfigurationError: It is something else.
    """
    match = re.fullmatch(r"(\d+)([mhdw])", text.strip())
    if match is None:
        raise ConfigurationError(f"{text!r} is not an age: write a number and m, h, d or w (minutes to weeks), such as 30d.")
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError as error:
        raise ConfigurationError(f"{text!r} is longer than time is counted here.") from error
