"""A mixture of Gaussians for the codes of each label, from which images of a label are drawn. Training uses no labels."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from components.models.mixture import MixtureParameters, fit_mixture, most_components, variable

_COMPONENTS = 10
"""Gaussians for each label, at most. With 16 the default VAE's samples are no better (docs/models.md)."""

_BEYOND = 2.0
"""A cumulative weight that no choice reaches."""


class LabelledMixtures(tf.Module):
    """Mixtures by label. Their parameters are variables, so that an exported model has them once.

    Attributes:
      labels: In increasing order.
    """

    def __init__(self, mixtures: Mapping[int, MixtureParameters]) -> None:
        """Makes the variables.

        Args:
          mixtures: By label; at least one, all over codes of the same number of dimensions.
        """
        super().__init__(name="labelled_mixtures")
        self.labels = tuple(sorted(mixtures))
        ordered = [mixtures[label] for label in self.labels]
        counts = [len(mixture.weights) for mixture in ordered]
        cumulative = np.full((len(ordered), max(counts)), _BEYOND)
        for row, mixture in zip(cumulative, ordered, strict=True):
            row[: len(mixture.weights) - 1] = np.cumsum(mixture.weights)[:-1]
        self._labels = tf.Variable(self.labels, trainable=False, dtype=tf.int64, name="labels")
        self._first_components = tf.Variable(np.cumsum([0, *counts[:-1]]), trainable=False, dtype=tf.int32, name="first")
        self._cumulative_weights = variable(cumulative, "cumulative_weights")
        self._means = variable(np.concatenate([mixture.means for mixture in ordered]), "means")
        self._choleskys = variable(np.concatenate([mixture.choleskys for mixture in ordered]), "choleskys")

    def sample(self, noise: tf.Tensor, choice: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """Codes of images with a label, float32 [N, L].

        Args:
          noise: float32 [N, L], drawn from the standard normal.
          choice: float32 [N], drawn from the uniform distribution on [0, 1).
          label: int64 [], one of `labels`.

        Raises:
          tf.errors.InvalidArgumentError: There is no such label.
        """
        is_wanted = tf.equal(self._labels, label)
        known = tf.debugging.Assert(tf.reduce_any(is_wanted), ["No training image had the label", label])
        with tf.control_dependencies([known]):
            place = tf.argmax(is_wanted)
        component = tf.searchsorted(self._cumulative_weights[place], choice, side="right") + self._first_components[place]
        return tf.gather(self._means, component) + tf.linalg.matvec(tf.gather(self._choleskys, component), noise)


def fit_labelled_mixtures(codes: NDArray[np.float32], labels: NDArray[np.int64], seed: int) -> LabelledMixtures:
    """A mixture for each label, of as many components as its codes are enough for.

    Args:
      codes: [N, L], at least one.
      labels: Of the codes, [N].
      seed: Fixes the result.
    """

    def fit(of_label: ArrayLike) -> MixtureParameters:
        return fit_mixture(of_label, min(_COMPONENTS, most_components(np.shape(of_label))), seed)

    return LabelledMixtures({int(label): fit(codes[labels == label]) for label in np.unique(labels)})
