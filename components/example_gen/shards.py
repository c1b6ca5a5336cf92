"""Which records of a prepared dataset go into which output file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class RecordRange:
    """Neighbouring records of one prepared file.

    Attributes:
      path: The file.
      skip: Records of the file that come before the first one.
      take: Records from there on.
    """

    path: str
    skip: int
    take: int


@dataclass(frozen=True)
class Shard:
    """One output file of one split.

    Attributes:
      split: The pipeline's name of the split, e.g. ``"train"``.
      index: Which of the split's files this is, from 0.
      count: How many files the split has.
      ranges: Where its records come from, in order. Empty for the only file of an empty split.
    """

    split: str
    index: int
    count: int
    ranges: tuple[RecordRange, ...]

    @property
    def file_name(self) -> str:
        """As the stock ExampleGen names its files, e.g. ``data_tfrecord-00000-of-00004.gz``."""
        return f"data_tfrecord-{self.index:05d}-of-{self.count:05d}.gz"


def plan_shards(split: str, ranges: Sequence[RecordRange], shards: int) -> list[Shard]:
    """Deals a split's records out, in order, to files whose sizes differ by one record at most.

    Args:
      split: The pipeline's name of the split.
      ranges: The split's records, in order.
      shards: The wanted number of files, at least 1.

    Returns:
      `shards` files, or one for each record if there are fewer records, but at least one: an empty split is a split too.
    """
    examples = sum(part.take for part in ranges)
    count = max(1, min(shards, examples))
    bounds = [examples * index // count for index in range(count + 1)]
    return [Shard(split, index, count, _between(ranges, start, stop)) for index, (start, stop) in enumerate(pairwise(bounds))]


def _between(ranges: Sequence[RecordRange], start: int, stop: int) -> tuple[RecordRange, ...]:
    """The records `start` to `stop` (excluded) of all the ranges, counted from 0 over all of them."""
    selected = []
    offset = 0
    for part in ranges:
        first, last = max(start - offset, 0), min(stop - offset, part.take)
        if first < last:
            selected.append(RecordRange(part.path, part.skip + first, last - first))
        offset += part.take
    return tuple(selected)
