"""The anomalies that the ValidationGate accepted, for the report."""

from typing import Final

from tfx.types.artifact import Artifact

SENTENCES_FILE: Final = "anomalies.txt"
"""One sentence for each anomaly; empty if there is none."""


class DataVerdict(Artifact):
    """A directory with `anomalies.txt`. If data must not be used, there is no verdict: the gate's execution fails."""

    TYPE_NAME = "DataVerdict"
