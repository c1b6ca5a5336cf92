"""What training shows the model of an image."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from components.artifacts.features import Binarization
from components.trainer.config import AugmentationConfig
from components.trainer.input_data import PixelScale
from components.trainer.views import ImageViews, augment, binarize

SEED = tf.constant([7, 3])
START = tf.constant(0.0)
IDENTITY = PixelScale(1.0, 0.0)


@pytest.fixture
def images() -> tf.Tensor:
    """Smooth images with a dark edge, float32 [200, 9, 11, 2]."""
    noise = np.random.default_rng(0).random((200, 9, 11, 2))
    smooth = ndimage.gaussian_filter(noise, (0, 1.5, 1.5, 0))
    smooth[:, [0, -1]] = smooth[:, :, [0, -1]] = 0
    return tf.constant(smooth, tf.float32)


def views(binarization=Binarization.NONE, scale=IDENTITY, **augmentation) -> ImageViews:
    return ImageViews(scale, AugmentationConfig(**augmentation), binarization)


def test_without_any_setting_the_model_sees_the_images_themselves(images):
    view = views().for_training(images, SEED, START)
    np.testing.assert_array_equal(view.inputs, images)
    np.testing.assert_array_equal(view.pixels, images)


def test_binary_pixels_are_on_as_often_as_they_are_grey():
    grey = tf.repeat(tf.constant([[0.0, 0.1, 0.5, 0.9, 1.0]]), 20_000, axis=0)
    binary = binarize(grey, SEED).numpy()
    assert set(np.unique(binary)) == {0.0, 1.0}
    standard_errors = np.sqrt(grey[0] * (1 - grey[0]) / 20_000)
    assert np.all(np.abs(binary.mean(axis=0) - grey[0]) <= 4 * standard_errors)


def test_encoder_and_likelihood_see_the_same_binary_image_each_in_its_own_scale(images):
    scale = PixelScale(0.5, 0.5)
    view = views(Binarization.DYNAMIC, scale).for_training(scale.normalize(images), SEED, START)
    np.testing.assert_array_equal(view.inputs, 2 * view.pixels - 1)
    np.testing.assert_array_equal(view.pixels, binarize(images, SEED))


def test_each_step_draws_other_binary_images_and_the_same_seed_the_same(images):
    first, again, other = (views(Binarization.DYNAMIC).for_evaluation(images, seed).pixels for seed in (SEED, SEED, SEED + 1))
    np.testing.assert_array_equal(first, again)
    assert np.mean(first != other) > 0.1


def test_the_configured_share_of_the_images_is_transformed_and_the_others_stay_as_they_are(images):
    changed = np.any(augment(images, AugmentationConfig(share=0.3), SEED, START) != images, axis=(1, 2, 3))
    assert abs(changed.sum() - 60) < 4 * np.sqrt(200 * 0.3 * 0.7)


@pytest.mark.parametrize(("fade", "expected"), [(True, 0), (False, 200)])
def test_the_share_fades_to_nothing_at_the_end_of_the_training(images, fade, expected):
    config = AugmentationConfig(share=1.0, fade=fade)
    changed = np.any(augment(images, config, SEED, tf.constant(1.0)) != images, axis=(1, 2, 3))
    assert changed.sum() == expected


def test_evaluation_never_sees_a_transformed_image(images):
    np.testing.assert_array_equal(views(share=1.0).for_evaluation(images, SEED).inputs, images)


@pytest.mark.parametrize(
    ("only", "matrix"),
    [
        ({"rotation_degrees": 30.0}, lambda n: [[np.cos(n[0]), np.sin(n[0])], [-np.sin(n[0]), np.cos(n[0])]]),
        ({"shear": 0.4}, lambda n: [[1, 0], [n[1], 1]]),
        ({"scale": 0.2}, lambda n: [[1 + n[3], 0], [0, 1 + n[2]]]),
    ],
)
def test_a_transformed_image_is_what_scipy_makes_of_the_same_transformation(images, only, matrix):
    config = AugmentationConfig(share=1.0, **({"rotation_degrees": 0.0, "shear": 0.0, "scale": 0.0} | only))
    normal = tf.random.stateless_normal([4, 200], tf.random.experimental.stateless_fold_in(SEED, 0)).numpy()
    sizes = np.array([np.radians(config.rotation_degrees), config.shear, config.scale, config.scale])[:, np.newaxis]
    center = np.array([4.0, 5.0])
    augmented = augment(images, config, SEED, START).numpy()
    for number in range(10):
        # scipy's axes are row and column, the configuration's x and y.
        rows_and_columns = np.array(matrix((normal * sizes)[:, number]))
        offset = center - rows_and_columns @ center
        for channel in range(2):
            expected = ndimage.affine_transform(
                images[number, :, :, channel].numpy(), rows_and_columns, offset, order=1, mode="nearest"
            )
            np.testing.assert_allclose(augmented[number, :, :, channel], expected, atol=1e-5)
