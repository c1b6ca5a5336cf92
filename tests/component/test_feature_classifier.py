"""The classifier of the Fréchet distance, on stripes that anybody tells apart; tests/e2e has the component in a pipeline."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.artifacts.feature_classifier import FeatureClassifier
from components.artifacts.model_input import ModelInput
from components.feature_classifier.training import (
    FEATURE_COUNT,
    FeatureExtractor,
    LabelledImages,
    accuracy,
    build_classifier,
    train_classifier,
)
from components.models.image_quality import frechet_distance

SHAPE = (16, 16, 1)
MODEL_INPUT = ModelInput(SHAPE)
HORIZONTAL, VERTICAL = 3, 7


def stripes(count: int, seed: int) -> LabelledImages:
    """Noisy stripes; their labels are not 0 and 1."""
    random = np.random.default_rng(seed)
    labels = random.choice([HORIZONTAL, VERTICAL], count)
    pattern = 200 * (np.arange(16) // 2 % 2)
    pixels = np.where((labels == HORIZONTAL)[:, None, None], pattern[None, :, None], pattern[None, None, :])
    noisy = (pixels + random.integers(0, 55, pixels.shape)).astype(np.uint8)[..., np.newaxis]
    return LabelledImages(np.array([tf.io.encode_png(image).numpy() for image in noisy], object), labels)


def pixels_of(images: LabelledImages) -> np.ndarray:
    return np.stack([tf.io.decode_png(encoded).numpy() for encoded in images.encoded]) / 255


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    return train_classifier(stripes(800, seed=0), MODEL_INPUT)


@pytest.fixture(scope="module")
def classifier(trained: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> FeatureClassifier:
    directory = tmp_path_factory.mktemp("classifier")
    FeatureExtractor(trained, SHAPE).save(str(directory / "saved_model"))
    loaded = FeatureClassifier.load(str(directory))
    assert loaded is not None
    return loaded


def test_it_learns_the_labels(trained: keras.Model):
    others = stripes(200, seed=1)
    assert accuracy(trained, others, np.array([HORIZONTAL, VERTICAL]), MODEL_INPUT) == 1.0
    swapped = LabelledImages(others.encoded, HORIZONTAL + VERTICAL - others.labels)
    assert accuracy(trained, swapped, np.array([HORIZONTAL, VERTICAL]), MODEL_INPUT) == 0.0


def test_the_same_images_make_the_same_classifier(trained: keras.Model):
    again = train_classifier(stripes(800, seed=0), MODEL_INPUT)
    for one, other in zip(trained.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_features_are_those_before_the_logits_however_images_are_batched(trained: keras.Model, classifier: FeatureClassifier):
    pixels = pixels_of(stripes(100, seed=2))
    features = classifier.features(pixels)
    assert features.shape == (100, FEATURE_COUNT)
    assert features.dtype == np.float32
    logits = trained.get_layer("logits")(features)
    np.testing.assert_allclose(logits, trained(pixels.astype(np.float32), training=False), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([classifier.features(pixels[:7]), classifier.features(pixels[7:])]), features)


def test_other_images_of_a_kind_are_nearer_than_images_of_another(classifier: FeatureClassifier):
    images = stripes(400, seed=3)
    pixels, is_vertical = pixels_of(images), images.labels == VERTICAL
    features = classifier.features(pixels)
    alike = frechet_distance(features[is_vertical][::2], features[is_vertical][1::2])
    assert frechet_distance(features[is_vertical], features[~is_vertical]) > 20 * alike


def test_an_output_without_a_model_has_no_classifier(tmp_path: Path):
    assert FeatureClassifier.load(str(tmp_path)) is None


@pytest.mark.parametrize("shape", [(28, 28, 1), (7, 5, 3), (1, 3, 1), (65, 33, 4)])
def test_images_of_any_shape_have_as_many_features(shape: tuple[int, int, int]):
    model = build_classifier(shape, 3)
    assert model.get_layer("features").output.shape == (None, FEATURE_COUNT)
    assert model.count_params() < 500_000
