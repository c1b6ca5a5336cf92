"""Mixtures by label: their moments, what a label does not mix with, and labels with few codes."""

import numpy as np
import pytest
import tensorflow as tf

from components.models.labelled_mixtures import LabelledMixtures, fit_labelled_mixtures
from components.models.mixture import MixtureParameters

NARROW = MixtureParameters(np.array([1.0]), np.array([[5.0, 5.0]]), np.array([[[0.1, 0.0], [0.0, 0.2]]]))
TWO = MixtureParameters(
    np.array([0.25, 0.75]),
    np.array([[-1.0, 0.0], [-3.0, 1.0]]),
    np.array([[[0.5, 0.0], [0.2, 0.4]], [[1.0, 0.0], [-0.5, 0.8]]]),
)


def draw(mixtures: LabelledMixtures, label: int, noise: np.ndarray, choice: np.ndarray) -> np.ndarray:
    return mixtures.sample(
        tf.constant(noise, tf.float32), tf.constant(choice, tf.float32), tf.constant(label, tf.int64)
    ).numpy()


def test_a_code_is_that_of_the_component_of_its_label_that_the_choice_falls_on():
    mixtures = LabelledMixtures({9: TWO, -2: NARROW, 4: TWO})
    noise = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])
    choice = np.array([0.2499, 0.25, 0.9999999])

    assert mixtures.labels == (-2, 4, 9)
    # mean + factor @ noise, by hand.
    expected = [[-0.5, 1.0], [-2.0, 2.1], [-3.0, 1.0]]
    for label in (4, 9):
        np.testing.assert_allclose(draw(mixtures, label, noise, choice), expected, rtol=1e-6)
    np.testing.assert_allclose(draw(mixtures, -2, noise, choice), [[5.1, 5.4], [5.1, 5.4], [5.0, 5.0]], rtol=1e-6)


def test_a_label_that_no_image_had_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="No training image had the label"):
        draw(LabelledMixtures({0: NARROW, 2: TWO}), 1, np.zeros((1, 2)), np.zeros(1))


def test_each_label_gets_the_codes_of_its_own_images(random):
    labels = np.array([3] * 2000 + [8] * 1 + [5] * 30)
    ring = random.uniform(0, 2 * np.pi, size=2000)
    codes = np.concatenate([
        np.stack([np.cos(ring), np.sin(ring)], axis=1),
        [[7.0, 7.0]],
        random.normal([-7.0, 0.0], 0.1, size=(30, 2)),
    ]).astype(np.float32)  # fmt: skip
    order = random.permutation(len(labels))
    mixtures = fit_labelled_mixtures(codes[order], labels[order], seed=0)
    noise, choice = random.normal(size=(500, 2)), random.random(500)

    assert mixtures.labels == (3, 5, 8)
    radius = np.linalg.norm(draw(mixtures, 3, noise, choice), axis=1)
    # One Gaussian of a ring would be densest at its centre.
    assert (np.abs(radius - 1) < 0.3).mean() > 0.9
    np.testing.assert_allclose(draw(mixtures, 5, noise, choice).mean(axis=0), [-7.0, 0.0], atol=0.1)
    np.testing.assert_allclose(draw(mixtures, 8, noise, choice), [[7.0, 7.0]] * 500, atol=0.1)


def test_labels_with_few_codes_are_fitted_without_a_warning(random, caplog):
    fit_labelled_mixtures(random.normal(size=(12, 3)).astype(np.float32), np.arange(12) % 4, seed=0)
    assert caplog.text == ""
