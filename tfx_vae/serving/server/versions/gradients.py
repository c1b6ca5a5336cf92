"""A SavedModel brings the gradients of its activations along, which a server never asks for."""

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.python.framework import ops


@contextmanager
def no_gradients_kept() -> Iterator[None]:
    """Forgets the gradients that a model registers while it is loaded within this block.

    TensorFlow has a name for each in a list that it keeps to the end of the process, and through them the graphs of every model
    that was ever loaded: 90 MB for each new version of the default model.
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            del registered[name]
