import numpy as np
import pytest

from components.models.config import ModelConfig
from components.models.pixel_distributions import pixel_distribution


@pytest.fixture(params=["bernoulli", "gaussian"])
def distribution(request):
    return pixel_distribution(ModelConfig(likelihood=request.param))


@pytest.mark.parametrize("pixel_mean", [0.001, 0.13, 0.5, 0.999])
def test_the_expected_image_of_the_mean_pixels_parameter_is_the_mean_pixel(distribution, pixel_mean):
    parameters = np.full((1, 2, 2, 1), distribution.parameter_of(pixel_mean), np.float32)
    np.testing.assert_allclose(distribution.expected_image(parameters), pixel_mean, rtol=1e-4)


@pytest.mark.parametrize("pixel_mean", [0.0, 1.0])
def test_an_all_black_or_all_white_data_set_has_a_finite_parameter(distribution, pixel_mean):
    assert np.isfinite(distribution.parameter_of(pixel_mean))


def test_the_expected_image_can_be_shown_whatever_the_parameters(distribution):
    image = distribution.expected_image(np.array([-1e6, -0.5, 0.5, 1.5, 1e6], np.float32)).numpy()
    assert image.min() >= 0
    assert image.max() <= 1


def test_the_gaussian_takes_its_standard_deviation_from_the_configuration():
    distribution = pixel_distribution(ModelConfig(likelihood="gaussian", gaussian_stddev=0.5))
    # Log-density of a standard deviation of 0.5 at one standard deviation: -ln(0.5) - ln(2 pi) / 2 - 1 / 2.
    result = distribution.log_likelihood(np.full((1, 1, 1, 1), 0.7, np.float32), np.full((1, 1, 1, 1), 0.2, np.float32))
    np.testing.assert_allclose(result, [-0.7257914], rtol=1e-5)
