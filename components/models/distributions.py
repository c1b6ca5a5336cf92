"""The distributions of the model: the posterior over codes q(z|x), and the likelihood of pixels p(x|z).

Every function gives one number for each image, in nats. Sums run over pixels; the KL divergence keeps its latent dimensions
apart. Nothing here averages over images: the caller does.

To add a likelihood: write a class with the methods of `PixelDistribution`, name it in `config.Likelihood`, and return it from
`pixel_distribution`.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple, Protocol, assert_never

import tensorflow as tf

from components.models.config import Likelihood, ModelConfig, Spread

# A mean pixel of 0 or 1 has no finite logit. 0.001 is darker than the mean of any usual data set.
_SMALLEST_PROBABILITY = 1e-3

_HIGHEST_LEVEL = 255.0


class Posterior(NamedTuple):
    """The encoder's answer for N images: a diagonal Gaussian over codes for each image, or the code itself."""

    mean: tf.Tensor
    """float32 [N, L]. For an autoencoder, the code."""

    log_variance: tf.Tensor | None
    """float32 [N, L]; None if the code is deterministic."""


def reparameterize(mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Draws from a diagonal Gaussian, as a differentiable function of its parameters: the reparameterisation trick.

    Kingma & Welling, 2014, "Auto-Encoding Variational Bayes", section 2.4.

    Args:
      mean: float32 [N, L].
      log_variance: float32 [N, L].
      noise: float32 [N, L] or [K, N, L], drawn from the standard normal.

    Returns:
      float32, of the shape of `noise`: mean + standard deviation * noise.
    """
    return mean + tf.exp(0.5 * log_variance) * noise


def kl_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL divergence of a diagonal Gaussian from the standard normal, in closed form.

    Kingma & Welling, 2014, appendix B: (mean^2 + variance - 1 - log variance) / 2.

    Args:
      mean: float32 [N, L].
      log_variance: float32 [N, L].

    Returns:
      float32 [N, L]: nats for each latent dimension; not negative, except by rounding.
    """
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance)


class PixelDistribution(Protocol):
    """The likelihood p(x|z): independent pixels, whose parameters are the decoder's output.

    Parameters are float32 [N, height, width, channels]; where the spread is learned, [N, height, width, 2 * channels]: behind
    the channels of the first parameter those of the log scale (spread.py).

    Attributes:
      is_of_levels: whether it gives probabilities of images with 256 levels, so that nats are the length of a lossless code.
    """

    is_of_levels: ClassVar[bool]

    def parameter_of(self, pixel_mean: float) -> float:
        """The first parameter of a pixel whose expectation is `pixel_mean`. The decoder's output bias starts there."""

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The expectation of each pixel, in [0, 1]: float32 [N, height, width, channels]."""

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """The log-likelihood of images, summed over their pixels.

        Args:
          pixels: float32 [N, height, width, channels] in [0, 1].
          parameters: the decoder's output for the same images.

        Returns:
          float32 [N]: nats per image.
        """


@dataclasses.dataclass(frozen=True)
class BernoulliPixels:
    """Each pixel is on or off. The parameter is the logit of the probability that it is on."""

    is_of_levels: ClassVar[bool] = False

    def parameter_of(self, pixel_mean: float) -> float:
        """The logit of the mean pixel, kept finite."""
        probability = min(max(pixel_mean, _SMALLEST_PROBABILITY), 1.0 - _SMALLEST_PROBABILITY)
        return math.log(probability / (1.0 - probability))

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The probability that each pixel is on."""
        return tf.sigmoid(parameters)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Nats per image, float32 [N].

        A grey pixel is read as the probability that the pixel is on. So this is the expected log-likelihood of binary images
        drawn from the grey one. It is at most minus the entropy of the grey pixels, hence negative unless the image is binary.
        There is no gradient with respect to `pixels`, which are data.
        """

        @tf.custom_gradient
        def log_likelihood(logits: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            probabilities = tf.sigmoid(logits)
            # x logit - log(1 + exp(logit)), written so that the logarithm's argument is at least 1/2.
            log_normalizer = tf.nn.relu(logits) - tf.math.log(tf.maximum(probabilities, 1.0 - probabilities))

            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                weights = tf.reshape(upstream, [-1, *[1] * (logits.shape.rank - 1)])
                return weights * (pixels - probabilities)

            return _sum_over_pixels(pixels * logits - log_normalizer), gradient

        # A gradient of our own shares the sigmoid: two thirds of the time of TensorFlow's cross-entropy and its gradient.
        return log_likelihood(tf.convert_to_tensor(parameters))


@dataclasses.dataclass(frozen=True)
class GaussianPixels:
    """Each pixel is Gaussian with a fixed standard deviation. The parameter is its mean."""

    is_of_levels: ClassVar[bool] = False

    stddev: float
    """Standard deviation of every pixel, which lies in [0, 1]; greater than 0."""

    def parameter_of(self, pixel_mean: float) -> float:
        """The mean pixel itself."""
        return pixel_mean

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The means, clipped to [0, 1]."""
        return tf.clip_by_value(parameters, 0.0, 1.0)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Nats per image, float32 [N]. A log-density: it may be positive."""
        squared_distance = tf.math.squared_difference(pixels, parameters) / (2.0 * self.stddev**2)
        return -_sum_over_pixels(squared_distance + math.log(self.stddev) + 0.5 * math.log(2.0 * math.pi))


@dataclasses.dataclass(frozen=True)
class SpreadGaussianPixels:
    """Each pixel is Gaussian. The parameters are its mean and the logarithm of its standard deviation, which is learned.

    For one standard deviation s of D pixels with means m,

        -log p(x|z)  =  D log s + |x - m|^2 / (2 s^2) + D/2 log(2 pi)

    is least where s^2 is the mean squared error |x - m|^2 / D, and is then D/2 (log s^2 + 1 + log(2 pi)): Rybkin et al., 2021,
    "Simple and Effective VAE Training with Calibrated Decoders", section 4. So training balances the reconstruction against
    the KL divergence by itself. Here s is a variable that follows this optimum by gradient descent, so that it is there in
    evaluation and serving. A spread for each image is a function of its code: the optimum would be a function of the image
    itself, and p(x|z) no density.
    """

    is_of_levels: ClassVar[bool] = False

    def parameter_of(self, pixel_mean: float) -> float:
        """The mean pixel itself."""
        return pixel_mean

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The means, clipped to [0, 1]."""
        mean, _ = tf.split(parameters, 2, axis=-1)
        return tf.clip_by_value(mean, 0.0, 1.0)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Nats per image, float32 [N]. A log-density: it may be positive."""
        mean, log_stddev = tf.split(parameters, 2, axis=-1)
        squared_distance = 0.5 * tf.square((pixels - mean) * tf.exp(-log_stddev))
        return -_sum_over_pixels(squared_distance + log_stddev + 0.5 * math.log(2.0 * math.pi))


@dataclasses.dataclass(frozen=True)
class DiscretizedLogisticPixels:
    """Each pixel is one of the levels 0 to 255. The parameters are the mean m and the logarithm of the scale s of a logistic.

    A level k has the probability that the logistic is nearer to k / 255 than to another level; all below 0 is level 0, and all
    above 1 is level 255 (Kingma et al., 2016, "Improved Variational Inference with Inverse Autoregressive Flow"; Salimans et
    al., 2017, "PixelCNN++", equation 2). With the edges a = (k - 1/2) / 255 and b = (k + 1/2) / 255

        P(k)  =  sigmoid((b - m) / s) - sigmoid((a - m) / s)
              =  sigmoid((b - m) / s) sigmoid((m - a) / s) (1 - exp((a - b) / s))

    with only the first factor for k = 0, and only the second one for k = 255. Their logarithms lose no digits, whatever the
    scale, where the difference of the first line would be 0.
    """

    is_of_levels: ClassVar[bool] = True

    def parameter_of(self, pixel_mean: float) -> float:
        """The mean pixel itself."""
        return pixel_mean

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The expectation of the logistic clipped to [0, 1]: that of the levels, without the effect of rounding to levels."""
        mean, log_scale = tf.split(parameters, 2, axis=-1)
        scale = tf.exp(log_scale)
        expectation = scale * (tf.nn.softplus(mean / scale) - tf.nn.softplus((mean - 1.0) / scale))
        return tf.clip_by_value(expectation, 0.0, 1.0)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Nats per image, float32 [N], never positive. Pixels count as the nearest level."""
        mean, log_scale = tf.split(parameters, 2, axis=-1)
        levels, per_scale = tf.round(pixels * _HIGHEST_LEVEL), tf.exp(-log_scale)
        half_width = 0.5 / _HIGHEST_LEVEL
        distance = levels / _HIGHEST_LEVEL - mean
        below_upper_edge = -tf.nn.softplus(-(distance + half_width) * per_scale)
        above_lower_edge = -tf.nn.softplus((distance - half_width) * per_scale)
        both = tf.math.log(-tf.math.expm1(-per_scale / _HIGHEST_LEVEL))
        is_lowest, is_highest = levels <= 0.0, levels >= _HIGHEST_LEVEL
        return _sum_over_pixels(
            tf.where(is_highest, 0.0, below_upper_edge)
            + tf.where(is_lowest, 0.0, above_lower_edge)
            + tf.where(is_lowest | is_highest, 0.0, both)
        )


def bits_per_dimension(nats: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """From nats per image to bits per number of an image: float32, of the shape of `nats`."""
    return nats / (math.prod(image_shape) * math.log(2.0))


def pixel_distribution(config: ModelConfig) -> PixelDistribution:
    """The likelihood that the configuration names."""
    match config.likelihood:
        case Likelihood.BERNOULLI:
            return BernoulliPixels()
        case Likelihood.GAUSSIAN:
            is_fixed = config.resolved_spread is Spread.FIXED
            return GaussianPixels(config.gaussian_stddev) if is_fixed else SpreadGaussianPixels()
        case Likelihood.DISCRETIZED_LOGISTIC:
            return DiscretizedLogisticPixels()
        case _:
            assert_never(config.likelihood)


def _sum_over_pixels(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values, axis=tuple(range(1, values.shape.rank)))
