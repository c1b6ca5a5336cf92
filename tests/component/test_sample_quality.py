"""Samplers with a fault, each caught by its metric, on real digits and in the features of a real classifier."""

import gzip
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from support.digits import PROJECT, read_digits

from components.artifacts.model_input import ModelInput
from components.feature_classifier.training import FeatureExtractor, LabelledImages, train_classifier
from components.models.image_quality import data_copying, nearest, neighbourhoods

TRAINED, COMPARED = 4_000, 1_000
COVERED = 1 - np.prod([(COMPARED - number) / (2 * COMPARED - number) for number in range(1, 6)])
"""The expected coverage of samples that are distributed as the images."""


class Digits(NamedTuple):
    """Features and labels."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]


class Splits(NamedTuple):
    """What the model was trained on, what it is compared with, and other digits as a faultless sampler draws them."""

    train: Digits
    test: Digits
    others: Digits


@pytest.fixture(scope="module")
def digits() -> Splits:
    # Neighbours in the file are by the same writer.
    order = np.random.default_rng(0).permutation(TRAINED + 2 * COMPARED)
    pixels = read_digits(len(order))[order]
    with gzip.open(PROJECT / "data" / "mnist" / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + len(order)), np.uint8, offset=8).astype(np.int64)[order]
    encoded = np.array([tf.io.encode_png(image).numpy() for image in pixels[:TRAINED]], object)
    model = train_classifier(LabelledImages(encoded, labels[:TRAINED]), ModelInput((28, 28, 1)))
    # This signature is what the Evaluator calls.
    extract = tf.function(FeatureExtractor(model, (28, 28, 1))._features)
    features = extract(tf.constant(pixels, tf.float32) / 255)["features"].numpy()
    places = [TRAINED, TRAINED + COMPARED]
    return Splits(*map(Digits, np.split(features, places), np.split(labels, places)))


def copying(samples: NDArray[np.float32], digits: Splits) -> float:
    return data_copying(*(nearest(each, digits.train.features).distance for each in (samples, digits.test.features)))


def test_digits_that_nobody_has_seen_have_no_fault(digits: Splits) -> None:
    found = neighbourhoods(digits.test.features, digits.others.features)
    assert found.covered.mean() == pytest.approx(COVERED, abs=0.03)
    assert found.density.mean() == pytest.approx(1.0, abs=0.1)
    assert copying(digits.others.features, digits) == pytest.approx(0.5, abs=0.05)


def test_one_image_again_and_again_covers_nearly_nothing(digits: Splits) -> None:
    repeated = np.repeat(digits.others.features[:1], COMPARED, axis=0)
    assert neighbourhoods(digits.test.features, repeated).covered.mean() < 0.03


def test_a_digit_that_is_never_drawn_is_not_covered(digits: Splits) -> None:
    drawn = digits.others.features[digits.others.labels != 7]
    found = neighbourhoods(digits.test.features, drawn)
    is_seven = digits.test.labels == 7
    assert found.covered[is_seven].mean() < 0.4
    assert found.density[is_seven].mean() < 0.2
    assert found.covered[~is_seven].mean() > 0.9


def test_training_images_are_copies_although_they_are_as_good_and_as_diverse_as_images_can_be(digits: Splits) -> None:
    copied = digits.train.features[:COMPARED]
    found = neighbourhoods(digits.test.features, copied)
    assert found.covered.mean() > 0.9
    assert found.density.mean() > 0.9
    assert copying(copied, digits) == 1.0


def test_noise_looks_like_no_digit(digits: Splits) -> None:
    shuffled = np.random.default_rng(0).permuted(digits.others.features, axis=0)
    assert neighbourhoods(digits.test.features, shuffled).density.mean() < 0.1
