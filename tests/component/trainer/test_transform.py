"""Transform: pixels decoded exactly, normalised as configured, and the same in training, evaluation and serving."""

import base64
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image
from support.digits import SIZES, Transformed, raw_examples, read_digits, transform, transform_spans, write_raw

from components.artifacts.features import IMAGE, LABEL, Fit
from components.artifacts.images import image_shape
from components.artifacts.loaded_model import LoadedModel
from components.artifacts.model_input import ModelInput, transformed_input
from components.models.config import ModelConfig
from components.models.distributions import Posterior
from components.models.prior import StandardNormal
from components.trainer.input_data import pixel_scale
from components.trainer.signatures import ExportedModel
from tfx_vae.serving.images import Target, read_image
from tfx_vae.serving.server.requests import parse_object, read_predict_request


@pytest.fixture
def digits() -> np.ndarray:
    """The training split's digits as the data has them."""
    return read_digits(SIZES["train"])


def test_unit_pixels_are_those_of_the_data_divided_by_255(transformed: Transformed, digits: np.ndarray):
    np.testing.assert_array_equal(transformed.images("train"), digits.astype(np.float32) * np.float32(1 / 255))


def test_symmetric_pixels_run_from_minus_one_to_one(symmetric: Transformed, digits: np.ndarray):
    images = symmetric.images("train")

    assert (images.min(), images.max()) == (-1, 1)
    np.testing.assert_allclose(images, digits / 127.5 - 1, atol=1e-6)


def test_standardized_pixels_have_mean_0_and_variance_1_over_the_training_split(standardized: Transformed):
    images = standardized.images("train").astype(np.float64)

    assert images.mean() == pytest.approx(0, abs=1e-5)
    assert images.var() == pytest.approx(1, abs=1e-5)


def test_the_other_splits_are_standardized_by_the_training_split(standardized: Transformed, digits: np.ndarray):
    mean, stddev = (digits / 255).mean(), (digits / 255).std()
    eval_digits = read_digits(SIZES["train"] + SIZES["eval"])[SIZES["train"] :] / 255

    np.testing.assert_allclose(standardized.images("eval"), (eval_digits - mean) / stddev, atol=1e-5)


def test_a_constant_training_split_does_not_divide_by_zero(tmp_path: Path):
    grey = raw_examples(np.full((3, 4, 4, 1), 51, np.uint8))

    images = transform({"train": grey}, tmp_path, "standardize").images("train")

    np.testing.assert_allclose(images, 0, atol=1e-6)


def test_the_mean_of_an_old_span_is_not_computed_again(tmp_path: Path):
    digits = read_digits(40)
    spans = [write_raw(tmp_path / f"raw-{span}", {"train": raw_examples(digits[20 * span :][:20])}) for span in range(2)]
    config = {"normalization": "standardize", "image_shape": None, "fit": "pad", "background": [0, 0, 0]}
    [first_night] = transform_spans(spans[:1], tmp_path / "first", config)["updated_analyzer_cache"]
    shutil.rmtree(spans[0].uri)
    write_raw(Path(spans[0].uri), {"train": raw_examples(np.full((20, 28, 28, 1), 255, np.uint8))})  # is not seen

    [graph] = transform_spans(spans, tmp_path / "second", config, cache=first_night)["transform_graph"]

    pixels = digits / 255
    found = pixel_scale(tft.TFTransformOutput(graph.uri)).normalize(tf.constant(pixels, tf.float32))
    np.testing.assert_allclose(found, (pixels - pixels.mean()) / pixels.std(), atol=1e-5)


@pytest.mark.parametrize("normalization", ["transformed", "symmetric", "standardized"])
def test_the_transform_graph_is_enough_to_undo_the_normalisation(
    normalization: str, digits: np.ndarray, request: pytest.FixtureRequest
):
    data: Transformed = request.getfixturevalue(normalization)
    scale = pixel_scale(tft.TFTransformOutput(str(data.graph)))
    images = data.images("train")

    np.testing.assert_allclose(scale.denormalize(images), digits / 255, atol=1e-6)
    np.testing.assert_allclose(scale.normalize(tf.constant(digits / 255, tf.float32)), images, atol=1e-5)


def test_colour_images_of_another_size_keep_their_shape_and_pixels(tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 9, 3), np.uint8)

    data = transform({"train": raw_examples(images)}, tmp_path)

    assert image_shape(tft.TFTransformOutput(str(data.graph))) == (6, 9, 3)
    np.testing.assert_array_equal(data.images("train"), images.astype(np.float32) * np.float32(1 / 255))


def test_images_of_different_sizes_are_brought_to_the_configured_shape(tmp_path: Path):
    rng = np.random.default_rng(0)
    small, wide = rng.integers(0, 256, (2, 4, 4, 1), np.uint8), np.full((2, 8, 16, 1), 102, np.uint8)
    examples = raw_examples(small) + raw_examples(wide)

    images = transform({"train": examples}, tmp_path, image_shape=[4, 4, 1], fit="stretch").images("train")

    assert images.shape == (4, 4, 4, 1)
    np.testing.assert_array_equal(images[:2], small.astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_allclose(images[2:], 0.4, atol=1e-6)


class _Mirror:
    """Shows what a model is given: its code is the normalised image, its loss one chosen pixel."""

    has_posterior = False
    pseudo_inputs = None

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.latent_dim = int(np.prod(shape))
        self.shape = shape
        self.image_shape = shape
        self.config = ModelConfig()
        self.chosen = tf.Variable(0, dtype=tf.int32)
        # Keras's variables have TensorFlow's as their value.
        self.weights = [SimpleNamespace(value=self.chosen)]

    def encode(self, inputs: tf.Tensor, training: bool = False) -> Posterior:
        return Posterior(tf.reshape(inputs, [-1, self.latent_dim]), None)

    def sample_code(self, posterior: Posterior, noise: tf.Tensor) -> tf.Tensor:
        return posterior.mean

    def decode(self, latent: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.reshape(latent, [-1, *self.shape])

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        return parameters

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        return -tf.gather(tf.reshape(parameters, [-1, self.latent_dim]), self.chosen, axis=1)

    def kl_divergence(self, posterior: Posterior) -> tf.Tensor:
        return tf.zeros_like(posterior.mean)


@pytest.mark.parametrize("normalization", ["transformed", "symmetric", "standardized"])
def test_training_evaluation_and_serving_see_the_same_pixels_bit_for_bit(
    normalization: str, tmp_path: Path, request: pytest.FixtureRequest
):
    data: Transformed = request.getfixturevalue(normalization)
    graph = tft.TFTransformOutput(str(data.graph))
    mirror: Any = _Mirror(image_shape(graph))
    ExportedModel(mirror, graph, pixel_scale(graph), StandardNormal(), seed=0).save(str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    [chosen] = loaded.variables_read
    examples = tf.constant(data.raw["test"])

    in_training = data.images("test").reshape(SIZES["test"], -1)
    in_serving = loaded.signatures["serving_default"](examples=examples)["latent_mean"].numpy()
    in_evaluation = loaded.signatures["evaluate"](examples=examples)["latent_mean"].numpy()

    np.testing.assert_array_equal(in_serving, in_training)
    np.testing.assert_array_equal(in_evaluation, in_training)
    for pixel in range(0, in_training.shape[1], 97):
        chosen.assign(pixel)
        losses = loaded.signatures["evaluate"](examples=examples)["reconstruction_loss"].numpy()
        np.testing.assert_array_equal(losses, in_training[:, pixel])


def test_the_same_file_gives_the_encoder_the_same_pixels_by_every_way(tmp_path: Path):
    """The transform graph, the signatures, a REST request, and the commands."""
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
    picture = coarse.resize((36, 48), Image.Resampling.BICUBIC)
    transparent = picture.copy()
    transparent.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 36).astype(np.uint8), (48, 1))))
    exif = Image.Exif()
    exif[0x0112] = 6
    saved: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "plain.png": (picture, {}),
        "grey.png": (picture.convert("L"), {}),
        "palette.png": (picture.quantize(16), {}),
        "transparent.png": (transparent, {}),
        "turned.jpg": (picture.rotate(90, expand=True), {"exif": exif}),
        "wide.jpg": (picture.resize((90, 31)), {}),
        "models_size.png": (picture.resize((12, 16)), {}),
    }
    for name, (image, options) in saved.items():
        image.save(tmp_path / name, **options)
    examples = [_example((tmp_path / name).read_bytes()) for name in saved]
    settings: dict[str, Any] = {"image_shape": [16, 12, 3], "background": (10, 200, 90), "schema": "unlabelled.pbtxt"}
    data = transform({"train": examples}, tmp_path, fit="crop", **settings)
    graph, taken = tft.TFTransformOutput(str(data.graph)), transformed_input(str(data.graph))
    mirror: Any = _Mirror(image_shape(graph))
    ExportedModel(mirror, graph, pixel_scale(graph), StandardNormal(), seed=0).save(str(tmp_path / "model"))
    model = LoadedModel(tmp_path / "model")

    in_training = data.images("train")
    body = {"instances": [{"b64": base64.b64encode(example).decode()} for example in examples]}
    request = read_predict_request(parse_object(json.dumps(body).encode()), model.signatures)
    over_rest = model.call(request.signature, **request.inputs)["latent_mean"].reshape(in_training.shape)
    target = Target(*taken.shape, background=taken.background, fit=taken.fit)
    by_commands = np.stack([read_image(tmp_path / name, target).pixels for name in saved])

    assert LABEL not in graph.transformed_feature_spec()  # examples without a label need none
    assert taken == ModelInput((16, 12, 3), Fit.CROP, (10, 200, 90))
    np.testing.assert_array_equal(over_rest, in_training)
    np.testing.assert_array_equal(np.round(in_training * 255).astype(np.uint8), by_commands)
    # A JPEG loses a little, and a turned picture is upright again.
    assert np.abs(in_training[4] - in_training[0]).mean() < 0.03


def _example(image: bytes) -> bytes:
    example = tf.train.Example()
    example.features.feature[IMAGE].bytes_list.value.append(image)
    return bytes(example.SerializeToString())


def test_the_transform_graph_names_image_and_label(transformed: Transformed):
    spec = tft.TFTransformOutput(str(transformed.graph)).transformed_feature_spec()

    assert set(spec) == {IMAGE, LABEL}
    assert tuple(spec[IMAGE].shape) == (28, 28, 1)
