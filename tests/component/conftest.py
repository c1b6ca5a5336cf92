"""A model small enough to be computed by hand, and the digits that it is judged on."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

SIDE = 4


@dataclass(frozen=True)
class Digits:
    """Images and labels of the `test` split.

    Attributes:
      pixels: float64 [N, 4, 4, 1] in [0, 1].
      labels: int [N].
      directory: Of the Examples artifact that holds them.
    """

    pixels: np.ndarray
    labels: np.ndarray
    directory: Path


@dataclass(frozen=True)
class ConstantModel:
    """Reconstructs every image as the same grey, with the same KL divergence.

    Attributes:
      grey: The value of every reconstructed pixel, in (0, 1).
      kl_divergence: Of every example, in nats.
    """

    grey: float
    kl_divergence: float

    def losses(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """The four outputs of the `evaluate` signature for images [N, ...], by numpy, each [N]."""
        axes = tuple(range(1, pixels.ndim))
        cross_entropy = -(pixels * np.log(self.grey) + (1 - pixels) * np.log(1 - self.grey)).sum(axes)
        kl_divergence = np.full(len(pixels), self.kl_divergence)
        return {
            "reconstruction_loss": cross_entropy,
            "squared_error": ((pixels - self.grey) ** 2).sum(axes),
            "kl_divergence": kl_divergence,
            "negative_elbo": cross_entropy + kl_divergence,
        }

    def save(self, directory: Path) -> None:
        """Writes the SavedModel, with the `evaluate` signature that the Trainer's has."""
        tf.saved_model.save(module := _Module(self), str(directory), signatures={"evaluate": module.evaluate})


class _Module(tf.Module):
    def __init__(self, model: ConstantModel) -> None:
        super().__init__()
        self._grey = tf.Variable(model.grey)
        self._kl_divergence = tf.Variable(model.kl_divergence)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        png = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]
        decode = functools.partial(tf.io.decode_png, channels=1)
        pixels = tf.cast(tf.map_fn(decode, png, fn_output_signature=tf.uint8), tf.float32) / 255.0
        cross_entropy = -pixels * tf.math.log(self._grey) - (1 - pixels) * tf.math.log(1 - self._grey)
        reconstruction_loss = tf.reduce_sum(cross_entropy, axis=[1, 2, 3])
        kl_divergence = tf.fill(tf.shape(examples), self._kl_divergence)
        return {
            "reconstruction_loss": reconstruction_loss,
            "squared_error": tf.reduce_sum((pixels - self._grey) ** 2, axis=[1, 2, 3]),
            "kl_divergence": kl_divergence,
            "negative_elbo": reconstruction_loss + kl_divergence,
        }


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """57 random images of 4 by 4 pixels, unequally many for each of ten labels."""
    random = np.random.default_rng(0)
    directory = tmp_path_factory.mktemp("digits")
    pixels = random.integers(0, 256, (57, SIDE, SIDE, 1), np.uint8)
    labels = np.concatenate([np.arange(10), random.integers(0, 10, 47)])
    folder = directory / "Split-test"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for image, label in zip(pixels, labels, strict=True):
            feature = {
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[tf.io.encode_png(image).numpy()])),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return Digits(pixels / 255.0, labels, directory)


@pytest.fixture(scope="session")
def make_model() -> Callable[[float, float], ConstantModel]:
    """ConstantModel, for tests that cannot import this file."""
    return ConstantModel
