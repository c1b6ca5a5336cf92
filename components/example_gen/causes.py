"""The errors behind an error."""

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on: libraries wrap errors in others to add context."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
