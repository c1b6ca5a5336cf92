"""A seed of its own for each layer."""

from collections.abc import Iterator

import numpy as np


def layer_seeds(seed: int, part: str) -> Iterator[int]:
    """An endless sequence of seeds for the initializers of one part of a model.

    Counting up from `seed` would start the second layer of one run like the first layer of the next one; these sequences have
    nothing in common for two seeds or two parts.

    Args:
      seed: not negative.
      part: the part's name, `encoder` for example.

    Yields:
      Integers in [0, 2**31).
    """
    generator = np.random.default_rng([seed, *part.encode()])
    while True:
        yield int(generator.integers(2**31))
