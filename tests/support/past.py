"""Five runs of two pipelines, of which many tests ask."""

from dataclasses import dataclass

from support.history import FAILED, History, PastRun

ERROR = "train-images-idx3-ubyte.gz is truncated: get it again."


@dataclass(frozen=True)
class Past:
    """A database of five runs of two pipelines, which tests only read.

    Attributes:
      first: Blessed and pushed.
      second: Trained for longer; blessed against the first, and pushed.
      cached: All from the cache, as the second.
      failed: Its Trainer failed.
      other: Of another pipeline; not blessed.
    """

    history: History
    first: PastRun
    second: PastRun
    cached: PastRun
    failed: PastRun
    other: PastRun


def write_past(history: History) -> Past:
    first = history.run(elbo=101.5)
    second = history.run(elbo=99.25, epochs=6, baseline=first)
    cached = history.run(epochs=6, cached_from=second, baseline=first)
    failed = history.run(epochs=7, stops_at="Trainer", stops_as=FAILED, error=ERROR, record="failed")
    return Past(history, first, second, cached, failed, history.run("mnist-ae", elbo=120.0, blessed=False))
