"""The parts of TensorFlow below its public interface, and all that this project does with them.

`tests/unit/components/test_private_tensorflow.py` says what no longer works after an upgrade.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.python.framework import ops


@contextmanager
def no_gradients_kept() -> Iterator[None]:
    """Forgets the gradients of custom functions that a model registers when it is loaded in this block.

    TensorFlow keeps them until the process ends, and with them the graphs of all models that were ever loaded: 90 MB for each
    version of the default model. A server never needs them.
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            del registered[name]
