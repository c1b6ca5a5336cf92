"""The autoencoder: an image, its code, and the image that the code brings back."""

import keras
import tensorflow as tf

from components.models.config import ModelConfig
from components.models.decoder import build_decoder
from components.models.encoder import build_encoder
from components.models.pixel_distributions import pixel_distribution
from components.models.posterior import Posterior


class Autoencoder(keras.Model):
    """An encoder to a deterministic code, and a decoder to a distribution over pixels.

    Also the interface of every model here: what trains, judges and serves one knows these methods only. All variables exist as
    soon as it is made. Calling it gives the expected image of the posterior's mean.

    Args:
      config: what it is made of.
      image_shape: height, width, channels; any of them may be 1.
      pixel_mean: mean of all pixels of the training split, in [0, 1]: what the decoder says before it is trained.
      seed: not negative; fixes the initial weights.

    Attributes:
      config: as given.
      image_shape: as given.
      latent_dim: L, the number of dimensions of a code.
    """

    def __init__(self, config: ModelConfig, image_shape: tuple[int, int, int], pixel_mean: float, seed: int) -> None:
        super().__init__(name=config.kind.value)
        self.config = config
        self.image_shape = image_shape
        self.latent_dim = config.latent_dim
        self.encoder = build_encoder(config, image_shape, seed)
        self.decoder = build_decoder(config, image_shape, pixel_mean, seed)
        self._pixels = pixel_distribution(config)
        self.built = True

    def encode(self, inputs: tf.Tensor, training: bool = False) -> Posterior:
        """The posterior over codes.

        Args:
          inputs: float32 [N, height, width, channels], normalised as in training.
          training: whether batch normalisation uses and updates the statistics of this batch.
        """
        statistics = self.encoder(inputs, training=training)
        return Posterior(statistics["mean"], statistics.get("log_variance"))

    def sample_code(self, posterior: Posterior, noise: tf.Tensor) -> tf.Tensor:
        """A code drawn from the posterior: float32 [N, L]. Here the code itself; the noise is ignored.

        Args:
          posterior: what `encode` gave.
          noise: float32 [N, L], drawn from the standard normal.
        """
        del noise
        return posterior.mean

    def decode(self, latent: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The likelihood's parameters, logits or means: float32 [N, height, width, channels].

        Args:
          latent: float32 [N, L].
          training: as for `encode`.
        """
        return self.decoder(latent, training=training)

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The expectation of each pixel, in [0, 1]: float32, of the shape of `parameters`, which `decode` gave."""
        return self._pixels.expected_image(parameters)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """Nats per image, float32 [N].

        Args:
          pixels: float32 [N, height, width, channels] in [0, 1].
          parameters: what `decode` gave.
        """
        return self._pixels.log_likelihood(pixels, parameters)

    def kl_divergence(self, posterior: Posterior) -> tf.Tensor:
        """Nats for each latent dimension, float32 [N, L]. Here 0: a deterministic code has no rate."""
        return tf.zeros_like(posterior.mean)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The expected image of the posterior's mean: float32 [N, height, width, channels] in [0, 1]."""
        posterior = self.encode(inputs, training)
        return self.expected_image(self.decode(posterior.mean, training))
