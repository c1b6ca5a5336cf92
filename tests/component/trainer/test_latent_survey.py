"""The map that the Trainer writes with a model, beside what the model itself answers."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from support.digits import SIZES, Trained, Transformed
from tensorflow_transform import TFTransformOutput

from components.artifacts.latent_map import PRIOR_PROBABILITIES, LatentMap, read_map
from components.trainer.input_data import pixel_scale

COUNT = SIZES["eval"]


@pytest.fixture(scope="module", params=["vae", "ae"])
def surveyed(
    request: pytest.FixtureRequest,
    transformed: Transformed,
    standardized: Transformed,
    exported: Trained,
    trained: Callable[[str], Trained],
) -> tuple[LatentMap, dict[str, np.ndarray]]:
    """The map, and what the exported model says of the same images."""
    data, model = (transformed, exported) if request.param == "vae" else (standardized, trained("ae"))
    signatures = tf.saved_model.load(str(model.serving_model)).signatures
    # Their order is Transform's, not that of the raw examples.
    images = pixel_scale(TFTransformOutput(str(data.graph))).denormalize(tf.constant(data.images("eval")))
    codes = signatures["encode"](image=images)["latent_mean"].numpy()
    evaluated = signatures["evaluate"](examples=tf.constant(data.raw["eval"]))
    drawn = read_map(model.serving_model)
    assert drawn is not None
    return drawn, {"codes": codes, **{name: values.numpy() for name, values in evaluated.items()}}


def test_every_image_of_a_small_eval_split_is_on_the_map(surveyed):
    drawn, said = surveyed

    expected = (said["codes"] - said["codes"].mean(axis=0)) @ np.array(drawn.components).T
    assert len(drawn.points) == COUNT
    np.testing.assert_allclose(drawn.points, expected, atol=0.01 * np.abs(expected).max())


def test_points_carry_the_labels_of_their_images(surveyed):
    drawn, said = surveyed
    # Each raw example is found again by its code, which `evaluate` gives in the order of the raw ones.
    distances = np.abs(said["codes"][:, np.newaxis] - said["latent_mean"][np.newaxis]).sum(axis=2)

    assert drawn.labels == tuple((distances.argmin(axis=1) % 10).tolist())


def test_scores_lie_where_those_of_the_evaluation_lie(surveyed):
    drawn, said = surveyed
    expected = np.percentile(said["negative_elbo"], np.arange(101))

    if said["kl_divergence"].any():
        # Other draws from the posterior: of 60 images the mean alone is nearly the same.
        assert np.mean(drawn.score_percentiles) == pytest.approx(expected.mean(), rel=0.02)
    else:
        np.testing.assert_allclose(drawn.score_percentiles, expected, rtol=1e-3)


def test_dimensions_are_described_as_the_evaluation_finds_them(surveyed):
    drawn, said = surveyed
    order = [dimension.index for dimension in drawn.dimensions]
    divergence = said["kl_per_dimension"].mean(axis=0)
    deviation = said["codes"].std(axis=0)

    assert sorted(order) == [0, 1, 2, 3]
    np.testing.assert_allclose([d.standard_deviation for d in drawn.dimensions], deviation[order], rtol=0.01)
    if divergence.any():
        np.testing.assert_allclose([d.kl_divergence for d in drawn.dimensions], divergence[order], rtol=0.01)
        assert list(divergence[order]) == sorted(divergence, reverse=True)
    else:
        assert list(deviation[order]) == sorted(deviation, reverse=True)


def test_the_quantiles_of_the_prior_are_those_of_the_standard_normal_or_of_the_gaussian_fitted_to_the_codes(surveyed):
    drawn, said = surveyed
    is_vae = said["kl_divergence"].any()
    for dimension in drawn.dimensions:
        normal = stats.norm() if is_vae else stats.norm(dimension.mean, dimension.standard_deviation)
        expected = normal.ppf(PRIOR_PROBABILITIES)
        # Of an autoencoder, the Gaussian is fitted to the training codes, and this one to 60 codes of the eval split: a tenth
        # of the standard deviation is the error of both of its parameters.
        tolerance = 0.1 if is_vae else 0.5
        assert np.abs(np.array(dimension.prior_quantiles) - expected)[3:-3].max() < tolerance * normal.std()
