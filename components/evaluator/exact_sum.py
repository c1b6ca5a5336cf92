"""Sums that do not depend on the order of what is added: Beam's does on how fast its batches went."""

from collections.abc import Sequence
from dataclasses import dataclass, field

_UNITS = 2**32


@dataclass
class ExactSum:
    """The sum of vectors, and how many there were.

    Whole multiples of 2^-32, in Python integers, add up exactly; NaN and infinity are kept apart.
    """

    units: list[int] = field(default_factory=list)
    not_finite: list[float] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, values: Sequence[float]) -> "ExactSum":
        """The sum of one vector."""
        finite = [abs(value) < float("inf") for value in values]
        return cls(
            [round(value * _UNITS) if is_finite else 0 for value, is_finite in zip(values, finite, strict=True)],
            [0.0 if is_finite else value for value, is_finite in zip(values, finite, strict=True)],
            1,
        )

    def plus(self, other: "ExactSum") -> "ExactSum":
        """The sum of both."""
        if not self.count or not other.count:
            return other if not self.count else self
        return ExactSum(
            [one + another for one, another in zip(self.units, other.units, strict=True)],
            [one + another for one, another in zip(self.not_finite, other.not_finite, strict=True)],
            self.count + other.count,
        )

    def means(self) -> list[float]:
        """The mean of each component; NaN where any was, and no component if there was no vector."""
        return [
            (units / _UNITS + not_finite) / self.count for units, not_finite in zip(self.units, self.not_finite, strict=True)
        ]
