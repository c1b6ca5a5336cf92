"""What the Evaluator asks of models whose answers are known."""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from support.linear_gaussian import LinearGaussian

from components.models.autoencoder import Autoencoder, build_model
from components.models.config import ModelConfig, ModelKind
from components.models.mixture import GaussianMixture, MixtureParameters
from components.models.prior import Prior, StandardNormal
from components.trainer.evaluation_signatures import EvaluationSignatures, ParsedImages
from components.trainer.input_data import PixelScale

PIXELS = np.array([0.9, 0.1, 0.5], np.float32)


class SameImage:
    """Stands where the parser stands: the bytes of an example are its own, and its pixels are the same as everybody's."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = tf.constant(pixels, tf.float32)

    def __call__(self, examples: tf.Tensor) -> ParsedImages:
        return ParsedImages(examples, tf.broadcast_to(self.pixels, tf.concat([tf.shape(examples), self.pixels.shape], axis=0)))


def examples(count: int) -> tf.Tensor:
    return tf.constant([f"image {number}" for number in range(count)])


def signatures(
    model: Autoencoder, pixels: np.ndarray, scale: PixelScale | None = None, prior: Prior | None = None
) -> EvaluationSignatures:
    parser: Any = SameImage(pixels)
    return EvaluationSignatures(model, parser, scale or PixelScale(1.0, 0.0), prior or StandardNormal(), seed=0)


@pytest.mark.parametrize("samples", [1, 300, 2000])
def test_the_bound_of_the_true_posterior_is_the_marginal_likelihood_however_many_codes_are_decoded_at_once(samples: int):
    model = LinearGaussian()
    nll = signatures(model, PIXELS.reshape(1, 3, 1)).evaluate_iw_nll(examples(3), tf.constant(samples))["iw_nll"]
    np.testing.assert_allclose(nll, -model.log_marginal_likelihood(PIXELS), rtol=1e-4)


def test_the_bound_of_another_posterior_converges_to_the_marginal_likelihood():
    model = LinearGaussian(shift=0.5, scale=2.0)
    ask = tf.function(signatures(model, PIXELS.reshape(1, 3, 1)).evaluate_iw_nll)
    expected = -model.log_marginal_likelihood(PIXELS)
    few, many = (np.array(ask(examples(40), tf.constant(samples))["iw_nll"], np.float64) for samples in (1, 3000))
    assert few.mean() > expected + 0.3
    assert many.mean() == pytest.approx(expected, abs=4 * many.std() / math.sqrt(40) + 1e-3)


@pytest.mark.parametrize("scale", [PixelScale(1.0, 0.0), PixelScale(0.5, 0.5)])
def test_binary_images_are_on_where_the_grey_ones_are_light_and_the_encoder_sees_them_too(scale: PixelScale):
    model = build_model(ModelConfig(hidden_units=(4,), latent_dim=2), (8, 8, 1), 0.5, seed=0)
    pixels = model.decoder.get_layer("pixels")
    pixels.kernel.assign(tf.zeros_like(pixels.kernel))
    pixels.bias.assign(tf.fill(pixels.bias.shape, math.log(3.0)))
    grey = np.full((8, 8, 1), 0.3)
    ask = signatures(model, (grey - scale.offset) / scale.scale, scale)
    losses = {name: np.array(values) for name, values in tf.function(ask.evaluate_binarized)(examples(400)).items()}
    # -ln(3/4) = 0.287682 for each pixel that is on, -ln(1/4) = 1.386294 for each that is off; ln(3) = 1.098612 between them.
    pixels_on = (64 * 1.386294 - losses["reconstruction_loss"]) / 1.098612
    np.testing.assert_allclose(pixels_on, pixels_on.round(), atol=1e-3)
    # Binomial: a standard error of 8 * sqrt(0.21 / 400) pixels.
    assert pixels_on.mean() == pytest.approx(64 * 0.3, abs=4 * 8 * math.sqrt(0.21 / 400))
    assert len(np.unique(losses["kl_divergence"])) > 300


def test_samples_come_from_the_prior():
    model = build_model(ModelConfig(kind=ModelKind.AE, hidden_units=(4,), latent_dim=2), (8, 8, 1), 0.5, seed=0)
    at = np.array([3.0, -2.0], np.float32)
    always_there = GaussianMixture(
        MixtureParameters(np.ones(1), at[np.newaxis].astype(np.float64), 1e-6 * np.eye(2)[np.newaxis])
    )
    answer = signatures(model, np.full((8, 8, 1), 0.3), prior=always_there).evaluate_samples(examples(70))
    expected = model.expected_image(model.decode(at[np.newaxis]))
    np.testing.assert_allclose(answer["sample"], np.repeat(expected, 70, axis=0), atol=1e-5)
    np.testing.assert_allclose(answer["pixels"], 0.3, rtol=1e-6)


def test_a_model_has_only_the_signatures_that_it_can_answer():
    def names(**config: str) -> set[str]:
        model = build_model(ModelConfig(**config, hidden_units=(4,), latent_dim=2), (8, 8, 1), 0.5, seed=0)
        return {name.removeprefix("evaluate") for name in signatures(model, np.zeros((8, 8, 1))).functions()}

    assert names(kind="vae") == {"", "_binarized", "_iw_nll", "_iw_nll_binarized", "_samples"}
    assert names(kind="vae", likelihood="gaussian") == {"", "_iw_nll", "_samples"}
    assert names(kind="ae") == {"", "_binarized", "_samples"}
    assert names(kind="ae", likelihood="gaussian") == {"", "_samples"}
    assert names(kind="vae", likelihood="discretized_logistic") == {"", "_iw_nll", "_samples"}


@pytest.mark.parametrize(
    ("kind", "likelihood", "has_it"),
    [
        ("vae", "discretized_logistic", True),
        ("ae", "discretized_logistic", False),
        ("vae", "gaussian", False),
        ("vae", "bernoulli", False),
    ],
)
def test_bits_per_dimension_are_the_negative_elbo_of_a_probability_of_levels(kind: str, likelihood: str, has_it: bool):
    config = ModelConfig(kind=kind, likelihood=likelihood, hidden_units=(4,), latent_dim=2)
    model = build_model(config, (8, 8, 3), 0.5, seed=0)
    outputs = tf.function(signatures(model, np.full((8, 8, 3), 0.3)).evaluate)(examples(3))
    assert ("bits_per_dimension" in outputs) == has_it
    if has_it:
        np.testing.assert_allclose(outputs["bits_per_dimension"], outputs["negative_elbo"] / (192 * math.log(2)), rtol=1e-6)
