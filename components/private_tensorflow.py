"""The parts of TensorFlow below its public interface, and all that this project does with them.

`tests/unit/components/test_private_tensorflow.py` says what no longer works after an upgrade.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tensorflow.python.eager import context
from tensorflow.python.framework import ops


def has_started() -> bool:
    """Whether TensorFlow has computed anything in this process. Then it has threads, and a fork of the process may hang."""
    started = context.context_safe()
    return started is not None and bool(started._initialized)


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


class DirectFunction:
    """A loaded signature, called without TensorFlow's comparison of arguments and signature: in half the time.

    For one digit 0.5 of 1.1 ms. So the caller has to take care that types and shapes are those of the signature.
    """

    def __init__(self, function: Any) -> None:
        """Keeps what all calls have in common.

        Args:
          function: A value of `signatures` of a loaded SavedModel.
        """
        self._atomic = function._inference_function
        self._captured = list(function.captured_inputs)
        self._names = sorted(function.structured_input_signature[1])

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Calls it with tensors and returns tensors, all by name."""
        outputs: dict[str, Any] = self._atomic.call_preflattened([*(inputs[name] for name in self._names), *self._captured])
        return outputs
