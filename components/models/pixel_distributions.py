"""The decoder's distribution over pixels: what its output means, and where it starts.

To add one: write a class with these three methods, name it in `config.Likelihood`, and return it from `pixel_distribution`.
"""

import dataclasses
import math
from typing import Protocol, assert_never

import tensorflow as tf

from components.models.config import Likelihood, ModelConfig
from components.models.distributions import bernoulli_log_likelihood, gaussian_log_likelihood

# A mean pixel of 0 or 1 has no finite logit. 0.001 is darker than any data set that shows something.
_SMALLEST_PROBABILITY = 1e-3


class PixelDistribution(Protocol):
    """Independent pixels, each with one parameter, which is the decoder's output."""

    def parameter_of(self, pixel_mean: float) -> float:
        """The parameter for which a pixel's expectation is `pixel_mean`: the decoder's output starts there."""

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The expectation of each pixel, in [0, 1]: float32, of the shape of `parameters`."""

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Nats per image, float32 [N], of `pixels` in [0, 1], float32 of the shape of `parameters`."""


@dataclasses.dataclass(frozen=True)
class BernoulliPixels:
    """The parameter is the logit of the probability that a pixel is on."""

    def parameter_of(self, pixel_mean: float) -> float:
        """The logit of the mean pixel, kept finite."""
        probability = min(max(pixel_mean, _SMALLEST_PROBABILITY), 1.0 - _SMALLEST_PROBABILITY)
        return math.log(probability / (1.0 - probability))

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The probabilities."""
        return tf.sigmoid(parameters)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """See `distributions.bernoulli_log_likelihood`."""
        return bernoulli_log_likelihood(pixels, parameters)


@dataclasses.dataclass(frozen=True)
class GaussianPixels:
    """The parameter is the mean of a pixel."""

    stddev: float
    """Of every pixel, which lies in [0, 1]."""

    def parameter_of(self, pixel_mean: float) -> float:
        """The mean pixel itself."""
        return pixel_mean

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The means, clipped to what can be shown."""
        return tf.clip_by_value(parameters, 0.0, 1.0)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """See `distributions.gaussian_log_likelihood`."""
        return gaussian_log_likelihood(pixels, parameters, self.stddev)


def pixel_distribution(config: ModelConfig) -> PixelDistribution:
    """The distribution that the configuration names."""
    match config.likelihood:
        case Likelihood.BERNOULLI:
            return BernoulliPixels()
        case Likelihood.GAUSSIAN:
            return GaussianPixels(config.gaussian_stddev)
        case _:
            assert_never(config.likelihood)
