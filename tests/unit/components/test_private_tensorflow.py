"""What this project needs of TensorFlow below its public interface is there, and does what it did."""

from typing import Any

import pytest
import tensorflow as tf

SENTENCE = (
    "This version of TensorFlow no longer has what components/private_tensorflow.py builds on ({}): compare it with "
    "tensorflow/python/framework/ops.py of the installed version. Without it the memory of `serve` grows with every version."
)


def register(name: str) -> None:
    def gradient(operation: tf.Operation, *received: Any) -> None:
        raise NotImplementedError

    tf.RegisterGradient(name)(gradient)


def test_only_the_gradients_registered_in_the_block_are_forgotten():
    register("OfThisTestBefore")
    try:
        from components.private_tensorflow import no_gradients_kept

        with no_gradients_kept():
            register("OfThisTestWithin")
    except (ImportError, AttributeError, TypeError) as error:
        pytest.fail(SENTENCE.format(error))
    # TensorFlow refuses a second gradient of the same name.
    try:
        register("OfThisTestWithin")
    except KeyError:
        pytest.fail(SENTENCE.format("gradients are kept elsewhere"))
    with pytest.raises(KeyError):
        register("OfThisTestBefore")
