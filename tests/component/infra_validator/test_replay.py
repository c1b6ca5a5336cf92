"""What is wrong with a model is found, and named."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from components.artifacts.warmup import WARMUP_FILE
from components.infra_validator.replay import replay

Export = Callable[..., Path]
WEIGHTS = "variables/variables.data-00000-of-00001"


def test_a_model_that_answers_as_the_trainer_did_passes(export: Export):
    assert replay(export(), tolerance=1e-6) == ""


def test_other_weights_are_told_by_what_they_answer(export: Export):
    model, other = export(factor=0.5), export("other", factor=0.75)
    shutil.copytree(other / "variables", model / "variables", dirs_exist_ok=True)

    # The largest pixel is 1. Its code was 0.5, and is 0.75; the code 0.5 was decoded to 1, and now to 0.5 / 0.75.
    assert replay(model, tolerance=0.01) == (
        "the output latent_mean of the signature encode differs from what the Trainer computed by up to 0.25, "
        "where 0.01 is allowed (infra_validator.tolerance)"
    )
    assert "output image of the signature decode" in replay(model, tolerance=0.26)
    assert "by up to 0.333, where 0.26 is allowed" in replay(model, tolerance=0.26)
    assert replay(model, tolerance=0.4) == ""


def test_a_signature_that_is_not_there_is_named(export: Export):
    assert replay(export(leave_out="decode"), 0.01) == "the signature decode is missing"


def test_a_signature_that_fails_is_named_with_its_reason(export: Export):
    class Failing(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.highest = tf.Variable(2.0)

        def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            tf.debugging.assert_less(image, self.highest, message="too bright")
            return {"latent_mean": tf.reshape(image, [-1, 4])}

        def decode(self, latent: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"image": tf.reshape(latent, [-1, 2, 2, 1])}

    class Dim(Failing):
        def __init__(self) -> None:
            super().__init__()
            self.highest.assign(0.5)

    model = export(model=Failing())
    save_weights_of(Dim(), model)

    assert replay(model, 0.01).startswith("the signature encode fails: ")
    assert "too bright" in replay(model, 0.01)


def test_weights_that_tensorflow_serving_does_not_restore_are_found_though_python_restores_them(export: Export):
    class Keras(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = keras.layers.Dense(4)
            self.layer.build((None, 4))

        def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"latent_mean": self.layer(tf.reshape(image, [-1, 4]))}

        def decode(self, latent: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"image": tf.reshape(latent, [-1, 2, 2, 1])}

    model = export(model=Keras())

    assert tf.saved_model.load(str(model)).signatures["encode"](image=tf.zeros([1, 2, 2, 1]))["latent_mean"].shape == (1, 4)
    assert replay(model, 0.01).startswith("the signature encode fails: Could not find variable")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("saved_model.pb", "it cannot be loaded: SavedModel file does not exist at: "),
        (WEIGHTS, "it cannot be loaded: "),
        (WARMUP_FILE, f"there is no {WARMUP_FILE} beside it: it was exported by an older version, so train it again"),
    ],
)
def test_a_file_that_is_gone_is_noticed(export: Export, file: str, reason: str):
    model = export()
    (model / file).unlink()
    assert replay(model, 0.01).startswith(reason)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("saved_model.pb", "it cannot be loaded: Cannot parse file"),
        (WEIGHTS, "it cannot be loaded: TensorBundle at .*: Checksum does not match"),
        (WARMUP_FILE, f"{WARMUP_FILE} is corrupt: corrupted record"),
    ],
)
def test_a_file_that_has_rotted_is_noticed(export: Export, file: str, reason: str):
    model = export()
    content = bytearray((model / file).read_bytes())
    content[len(content) // 2 :] = bytes(~byte & 0xFF for byte in content[len(content) // 2 :])
    (model / file).write_bytes(content)
    assert re.match(reason, replay(model, 0.01))


def test_requests_of_another_kind_are_no_requests(export: Export):
    model = export()
    with tf.io.TFRecordWriter(str(model / WARMUP_FILE)) as writer:
        writer.write(b"no PredictionLog")
    assert replay(model, 0.01).startswith(f"{WARMUP_FILE} is corrupt: ")
    with tf.io.TFRecordWriter(str(model / WARMUP_FILE)):
        pass
    assert replay(model, 0.01) == f"{WARMUP_FILE} holds no request"


def save_weights_of(module: tf.Module, saved_model: Path) -> None:
    """Puts the module's variables in place of those of a SavedModel of the same module."""
    tf.saved_model.save(module, str(saved_model.parent / "weights"))
    shutil.copytree(saved_model.parent / "weights" / "variables", saved_model / "variables", dirs_exist_ok=True)
