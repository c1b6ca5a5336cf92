"""A model whose answers are plain, with its warm-up requests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.artifacts.warmup import write_warmup_requests
from components.trainer.signatures import warmup_requests

PIXELS = np.linspace(0.0, 1.0, 12, dtype=np.float32).reshape(3, 2, 2, 1)


class Scaler(tf.Module):
    """Its code of an image is the pixels times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = tf.Variable(factor)

    def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"latent_mean": tf.reshape(image, [-1, 4]) * self.factor}

    def decode(self, latent: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": tf.reshape(latent / self.factor, [-1, 2, 2, 1])}


def save_scaler(directory: Path, factor: float = 0.5, model: tf.Module | None = None, leave_out: str = "") -> Path:
    """Exports a model as the Trainer does; `model` has the methods of `Scaler`, and `leave_out` names one not to export."""
    model = model or Scaler(factor)
    specs = {"encode": tf.TensorSpec([None, 2, 2, 1], name="image"), "decode": tf.TensorSpec([None, 4], name="latent")}
    signatures = {
        name: tf.function(getattr(model, name), input_signature=[spec]).get_concrete_function() for name, spec in specs.items()
    }
    exported = {name: function for name, function in signatures.items() if name != leave_out}
    tf.saved_model.save(model, str(directory), signatures=exported)
    write_warmup_requests(str(directory), warmup_requests(signatures, tf.constant(PIXELS)))
    return directory


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    """`save_scaler`, each time into a new directory, laid out as a Trainer's artifact; other directories if named."""

    def save(name: str = "model", **options: Any) -> Path:
        return save_scaler(tmp_path / name / "Format-Serving", **options)

    return save
