"""Which span of a pattern is read: the placeholders `{SPAN}`, `{YYYY}`, `{MM}`, `{DD}`, `{VERSION}` of TFX's ExampleGen."""

import re
from pathlib import PurePath
from typing import Final, NamedTuple

from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2, range_config_pb2

from components.errors import ConfigurationError

_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")


class Span(NamedTuple):
    """What a pattern stands for.

    Attributes:
      location: The pattern without placeholders.
      span: Its number; days since 1970 for a date; 0 without placeholders.
      version: Its version; None without `{VERSION}`.
    """

    location: str
    span: int
    version: int | None


def latest_span(pattern: str) -> Span:
    """The latest version of the latest span.

    Raises:
      ConfigurationError: Nothing matches the pattern, or its placeholders contradict each other.
    """
    parts = PurePath(pattern).parts
    first = next((index for index, part in enumerate(parts) if _PLACEHOLDER.search(part)), None)
    if first is None:
        return Span(pattern, 0, None)
    base, rest = str(PurePath(*parts[:first])), str(PurePath(*parts[first:]))
    # TFX fills in what it found, with its leading zeros.
    split = example_gen_pb2.Input.Split(name="images", pattern=rest)
    newest = range_config_pb2.RangeConfig(rolling_range=range_config_pb2.RollingRange(num_spans=1))
    try:
        _, span, version = utils.calculate_splits_fingerprint_span_and_version(base, [split], newest)
    except ValueError as error:
        raise ConfigurationError(f"data.images: no span matches {pattern} ({error}).") from error
    if unknown := _PLACEHOLDER.search(split.pattern):
        raise ConfigurationError(
            f"data.images: {unknown[0]} in {pattern} is unknown; there are {{SPAN}}, {{YYYY}}, {{MM}}, {{DD}} and {{VERSION}}."
        )
    return Span(f"{base}/{split.pattern}", span, version)
