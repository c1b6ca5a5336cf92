"""How images that are new to the champion differ from those that it was trained on; without tfx and tensorflow."""

from pathlib import Path
from typing import Final

from pydantic import Field

from components.settings import Section

_SUMMARY_FILE: Final = "drift.json"

# Custom properties of a DriftVerdict.
DRIFTED: Final = "drifted"
"""1 or 0; 0 also if nothing was compared."""
DRIFT: Final = "drift"
"""The result in a sentence, without a full stop."""


class Measure(Section):
    """One way in which the images may differ."""

    name: str
    """`labels`, `brightness`, `contrast`, `constant`, `score` or `codes`."""

    statistic: float
    """How large the difference is."""

    limit: float
    """How large it may be."""

    p_value: float
    """The probability of a difference as large by chance."""

    drifted: bool
    """Whether it is above its limit, and significant."""


class DriftSummary(Section):
    """The result."""

    champion: int | None = None
    """The id of the model in ML Metadata; None if nothing was compared."""

    reason: str = ""
    """Why nothing was compared."""

    known_images: int = 0
    """How many images of the test split that the champion was trained beside were looked at."""

    new_images: int = 0
    """How many images of the new test split were looked at."""

    level: float = 0.0
    """A p-value below it is significant."""

    measures: tuple[Measure, ...] = ()

    known_labels: dict[int, int] = Field(default_factory=dict)
    new_labels: dict[int, int] = Field(default_factory=dict)
    """How many of these images have each label."""

    @property
    def drifted(self) -> bool:
        """Whether one of the measures says so."""
        return any(measure.drifted for measure in self.measures)

    def sentence(self) -> str:
        """The result, without a full stop."""
        if self.reason:
            return f"not compared: {self.reason}"
        sides = f"{self.new_images:,} new test images against {self.known_images:,} of the champion's"
        found = [f"{one.name} {one.statistic:.3g} (limit {one.limit:g})" for one in self.measures if one.drifted]
        return f"{', '.join(found) or 'none'}: {sides}"


def write_summary(directory: Path, summary: DriftSummary) -> None:
    """Writes `drift.json`."""
    (directory / _SUMMARY_FILE).write_text(summary.model_dump_json(indent=2), encoding="utf-8")


def read_summary(directory: Path) -> DriftSummary:
    """Reads `drift.json`."""
    return DriftSummary.model_validate_json((directory / _SUMMARY_FILE).read_text(encoding="utf-8"))
