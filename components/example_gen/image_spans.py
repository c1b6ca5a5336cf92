"""Which spans of a pattern there are: the placeholders `{SPAN}`, `{YYYY}`, `{MM}`, `{DD}`, `{VERSION}` of TFX's ExampleGen."""

import re
from pathlib import PurePath
from typing import Final, NamedTuple

from components.artifacts.spans import EVERY_SPAN
from components.errors import ConfigurationError
from components.private_tfx import match_spans

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


def has_spans(pattern: str) -> bool:
    """Whether the pattern has placeholders."""
    return _PLACEHOLDER.search(pattern) is not None


def latest_spans(pattern: str, count: int, key: str = "data.images") -> list[Span]:
    """The latest version of each of the latest spans, the oldest span first.

    Args:
      pattern: Without placeholders, it is the only span.
      count: How many, at most; `EVERY_SPAN` is all of them.
      key: The setting that the pattern is from, for messages.

    Raises:
      ConfigurationError: Nothing matches the pattern, or its placeholders contradict each other.
    """
    parts = PurePath(pattern).parts
    marked = [index for index, part in enumerate(parts) if has_spans(part)]
    if not marked:
        return [Span(pattern, 0, None)]
    # What follows the placeholders is not listed here: it may be millions of files.
    end = marked[-1] + 1
    base, middle, rest = parts[: marked[0]], str(PurePath(*parts[marked[0] : end])), parts[end:]
    found: dict[int, Span] = {}
    try:
        for filled, span, version in match_spans(str(PurePath(*base)), middle):
            if span not in found or (version or 0) >= (found[span].version or 0):
                found[span] = Span(str(PurePath(*base, filled, *rest)), span, version)
    except ValueError as error:
        raise ConfigurationError(f"{key}: no span matches {pattern} ({error}).") from error
    if not found:
        raise ConfigurationError(f"{key}: no span matches {pattern}.")
    ordered = [found[span] for span in sorted(found)]
    if unknown := _PLACEHOLDER.search(ordered[-1].location):
        raise ConfigurationError(
            f"{key}: {unknown[0]} in {pattern} is unknown; there are {{SPAN}}, {{YYYY}}, {{MM}}, {{DD}} and {{VERSION}}."
        )
    return ordered if count == EVERY_SPAN else ordered[-count:]
