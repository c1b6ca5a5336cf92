"""What this project needs of TensorFlow below its public interface is there, and does what it did."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

SENTENCE = (
    "This version of TensorFlow no longer has what components/private_tensorflow.py builds on ({}): compare it with "
    "tensorflow/python/framework/ops.py and eager/context.py of the installed version. Without it the memory of `serve` grows "
    "with every version, or a run forks a process that hangs."
)
DIRECT_SENTENCE = (
    "This version of TensorFlow no longer has what DirectFunction builds on ({}): compare it with ConcreteFunction._call_flat "
    "in tensorflow/python/eager/polymorphic_function/concrete_function.py. Without it one image takes twice as long."
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


class TwoInputs(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = tf.Variable([2.0, 3.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 2], name="start"), tf.TensorSpec([], name="end")])
    def combine(self, start: tf.Tensor, end: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": start * self.factor + end, "difference": start - end}


def test_a_signature_answers_the_same_called_directly(tmp_path: Path):
    module = TwoInputs()
    tf.saved_model.save(module, str(tmp_path), signatures={"combine": module.combine})
    loaded = tf.saved_model.load(str(tmp_path))
    inputs = {"start": tf.constant([[1.0, 2.0], [3.0, 4.0]]), "end": tf.constant(10.0)}
    try:
        from components.private_tensorflow import DirectFunction

        outputs = DirectFunction(loaded.signatures["combine"])(inputs)
        found = {name: output.numpy().tolist() for name, output in outputs.items()}
    except (ImportError, AttributeError, TypeError) as error:
        pytest.fail(DIRECT_SENTENCE.format(error))
    assert found == {"sum": [[12, 16], [16, 22]], "difference": [[-9, -8], [-7, -6]]}


def test_whether_tensorflow_has_computed_anything_is_known(monkeypatch: pytest.MonkeyPatch):
    from tensorflow.python.eager import context

    from components.private_tensorflow import has_started

    tf.constant(1)
    assert has_started(), SENTENCE.format("context._initialized")
    for nothing_yet in (None, context.Context()):
        monkeypatch.setattr(context, "_context", nothing_yet)
        assert not has_started(), SENTENCE.format("context._context")
