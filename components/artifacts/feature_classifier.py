"""The trained classifier of FeatureClassifier, and its features of images: of the training images, in a file beside it."""

import io
from collections.abc import Iterable
from typing import Any, Final, Self

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray
from tfx.types.artifact import Artifact

SAVED_MODEL: Final = "saved_model"
LEFT_OUT: Final = "left_out.txt"
"""The component's output has one of these two."""

FEATURES: Final = "features"

_TRAINING_FEATURES: Final = "training_features.npy"


class FeatureClassifierArtifact(Artifact):
    """A SavedModel in `saved_model/` with the signature `features`, and the training images' features; or `left_out.txt`."""

    TYPE_NAME = "FeatureClassifier"


class FeatureClassifier:
    """A loaded classifier."""

    def __init__(self, model: Any) -> None:
        """Wraps a loaded model.

        Args:
          model: A SavedModel with the signature `features`. It must not be freed before its signature.
        """
        self._model = model
        self._features = model.signatures[FEATURES]

    @classmethod
    def load(cls, directory: str) -> Self | None:
        """Loads the output of FeatureClassifier; None if there was nothing to train with.

        Args:
          directory: The output.
        """
        path = f"{directory}/{SAVED_MODEL}"
        return cls(tf.saved_model.load(path)) if tf.io.gfile.exists(path) else None

    def features(self, pixels: ArrayLike) -> NDArray[np.float32]:
        """The activations of the last hidden layer: float32 [N, F].

        Args:
          pixels: [N, height, width, channels] in [0, 1].
        """
        return np.asarray(self._features(image=tf.constant(pixels, tf.float32))[FEATURES].numpy())


def write_training_features(directory: str, batches: Iterable[ArrayLike]) -> None:
    """Writes what the classifier in a directory computes from the training images, so that nearest ones are found fast.

    Args:
      directory: FeatureClassifier's output, with its classifier.
      batches: Pixels of the images, in the order of their files: each [N, height, width, channels] in [0, 1].
    """
    classifier = FeatureClassifier(tf.saved_model.load(f"{directory}/{SAVED_MODEL}"))
    with tf.io.gfile.GFile(f"{directory}/{_TRAINING_FEATURES}", "wb") as file:
        np.save(file, np.concatenate([classifier.features(batch) for batch in batches]))


def training_features(directory: str) -> NDArray[np.float32]:
    """Reads what `write_training_features` wrote: float32 [N, F]."""
    with tf.io.gfile.GFile(f"{directory}/{_TRAINING_FEATURES}", "rb") as file:
        return np.asarray(np.load(io.BytesIO(file.read())))
