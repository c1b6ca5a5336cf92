"""A model small enough to be computed by hand, and the digits that it is judged on."""

import functools
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from support.digits import SIZES, Trained, Transformed, raw_examples, read_digits, train, transform

from components.artifacts.features import SPLITS

SIDE = 4


@dataclass(frozen=True)
class Digits:
    """Images and labels of the `test` split.

    Attributes:
      pixels: float64 [N, 4, 4, 1] in [0, 1].
      labels: int [N].
      encoded: PNG bytes.
      directory: Of the Examples artifact that holds them.
    """

    pixels: np.ndarray
    labels: np.ndarray
    encoded: list[bytes]
    directory: Path

    def write(self, directory: Path, order: np.ndarray, labels: bool = True) -> None:
        """Writes an Examples artifact of some of them, in an order."""
        folder = directory / "Split-test"
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
            for index in order:
                example = tf.train.Example()
                example.features.feature["image"].bytes_list.value.append(self.encoded[index])
                if labels:
                    example.features.feature["label"].int64_list.value.append(int(self.labels[index]))
                writer.write(example.SerializeToString())


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


@dataclass(frozen=True)
class TalkativeModel(ConstantModel):
    """Answers everything that the Evaluator asks, in ways that numpy can follow.

    A code is three of the pixels, with a standard deviation of 0.1, and the sample drawn from it is 0.05 above.

    Attributes:
      brightness: How many times its mean pixel an image's similarity is.
    """

    brightness: float = 1.0

    def latent_mean(self, pixels: np.ndarray) -> np.ndarray:
        """[N, 3]."""
        return pixels.reshape(len(pixels), -1)[:, :3]

    def save(self, directory: Path) -> None:
        """Writes the SavedModel, with all of the Evaluator's signatures."""
        module = _TalkativeModule(self)
        names = ("evaluate", "evaluate_binarized", "evaluate_iw_nll", "evaluate_iw_nll_binarized", "evaluate_samples")
        tf.saved_model.save(module, str(directory), signatures={name: getattr(module, name) for name in names})


EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")


class _Module(tf.Module):
    def __init__(self, model: ConstantModel) -> None:
        super().__init__()
        self._grey = tf.Variable(model.grey)
        self._kl_divergence = tf.Variable(model.kl_divergence)

    @tf.function(input_signature=[EXAMPLES])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._losses(_decode(examples))

    def _losses(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        cross_entropy = -pixels * tf.math.log(self._grey) - (1 - pixels) * tf.math.log(1 - self._grey)
        reconstruction_loss = tf.reduce_sum(cross_entropy, axis=[1, 2, 3])
        kl_divergence = tf.fill(tf.shape(pixels)[:1], self._kl_divergence)
        return {
            "reconstruction_loss": reconstruction_loss,
            "squared_error": tf.reduce_sum((pixels - self._grey) ** 2, axis=[1, 2, 3]),
            "kl_divergence": kl_divergence,
            "negative_elbo": reconstruction_loss + kl_divergence,
        }


class _TalkativeModule(_Module):
    def __init__(self, model: TalkativeModel) -> None:
        super().__init__(model)
        self._brightness = tf.Variable(model.brightness)

    @tf.function(input_signature=[EXAMPLES])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = _decode(examples)
        mean = tf.reshape(pixels, [-1, SIDE * SIDE])[:, :3]
        return {
            **self._losses(pixels),
            "ssim": self._brightness * tf.reduce_mean(pixels, axis=[1, 2, 3]),
            "latent_mean": mean,
            "latent_log_variance": tf.fill(tf.shape(mean), 2 * math.log(0.1)),
            "latent_sample": mean + 0.05,
            "kl_per_dimension": mean * [1.0, 10.0, 100.0],
        }

    @tf.function(input_signature=[EXAMPLES])
    def evaluate_binarized(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._losses(tf.round(_decode(examples)))

    @tf.function(input_signature=[EXAMPLES, tf.TensorSpec([], tf.int32, name="samples")])
    def evaluate_iw_nll(self, examples: tf.Tensor, samples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"iw_nll": tf.cast(samples, tf.float32) * _decode(examples)[:, 0, 0, 0]}

    @tf.function(input_signature=[EXAMPLES, tf.TensorSpec([], tf.int32, name="samples")])
    def evaluate_iw_nll_binarized(self, examples: tf.Tensor, samples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"iw_nll": 100.0 + tf.cast(samples, tf.float32) * _decode(examples)[:, 0, 0, 0]}

    @tf.function(input_signature=[EXAMPLES])
    def evaluate_samples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = _decode(examples)
        return {"pixels": pixels, "sample": 1.0 - 0.5 * pixels}


def _decode(examples: tf.Tensor) -> tf.Tensor:
    png = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]
    decode = functools.partial(tf.io.decode_png, channels=1)
    pixels = tf.cast(tf.map_fn(decode, png, fn_output_signature=tf.uint8), tf.float32) / 255.0
    return tf.ensure_shape(pixels, [None, SIDE, SIDE, 1])


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """A directory in memory, where there is one: ML Metadata's client waits for the disk after every call."""
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """57 random images of 4 by 4 pixels, unequally many for each of ten labels."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (57, SIDE, SIDE, 1), np.uint8)
    labels = np.concatenate([np.arange(10), random.integers(0, 10, 47)])
    encoded = [tf.io.encode_png(image).numpy() for image in pixels]
    digits = Digits(pixels / 255.0, labels, encoded, tmp_path_factory.mktemp("digits"))
    digits.write(digits.directory, np.arange(57))
    return digits


@pytest.fixture(scope="session")
def make_model() -> Callable[[float, float], ConstantModel]:
    """ConstantModel, for tests that cannot import this file."""
    return ConstantModel


@pytest.fixture(scope="session")
def make_talkative_model() -> Callable[..., TalkativeModel]:
    """TalkativeModel, likewise."""
    return TalkativeModel


@pytest.fixture(scope="session")
def digit_splits() -> dict[str, list[bytes]]:
    """The first digits of MNIST as raw examples; the label of the n-th is n modulo 10."""
    images = read_digits(sum(SIZES.values()))
    ends = np.cumsum(list(SIZES.values()))
    return {split: raw_examples(images[end - SIZES[split] : end]) for split, end in zip(SPLITS, ends, strict=True)}


@pytest.fixture(scope="session")
def transformed(digit_splits: dict[str, list[bytes]], tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """The same normalised to [0, 1]."""
    return transform(digit_splits, tmp_path_factory.mktemp("unit"))


@pytest.fixture(scope="session")
def exported(transformed: Transformed, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A VAE with four latent dimensions, trained on them for three epochs, for tests that only read it."""
    return train(transformed, tmp_path_factory.mktemp("exported"), trainer={"epochs": 3})
