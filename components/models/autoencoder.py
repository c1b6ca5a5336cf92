"""The autoencoder, and the variational autoencoder of Kingma & Welling, 2014, and Rezende et al., 2014.

In training a code z has the prior p(z) = N(0, I) or a learned one; the finished model may have another (prior.py). An image x
has the likelihood p(x|z), whose parameters are the decoder's output. The encoder gives q(z|x) = N(mean, diag(variance)), an
approximation of the intractable posterior p(z|x). For every such q

    log p(x)  >=  E_q[log p(x|z)] - KL(q(z|x) || p(z))  =  ELBO

with equality if q(z|x) = p(z|x). Training minimises the negative ELBO: the reconstruction loss plus the KL divergence
(objectives.py).

To add a model: write a subclass of `Autoencoder`, name it in `config.ModelKind`, and return it from `build_model`. Training,
evaluation, serving and the report use only the methods of `Autoencoder`, so they work with it unchanged.
"""

from typing import assert_never

import keras
import tensorflow as tf

from components.models import distributions
from components.models.config import ModelConfig, ModelKind, PriorKind
from components.models.distributions import Posterior
from components.models.networks import build_decoder, build_encoder
from components.models.prior import STANDARD_NORMAL, TrainingPrior, VampPrior


class Autoencoder(keras.Model):
    """An encoder to a deterministic code, and a decoder to a distribution over pixels.

    It is also the interface of every model: the Trainer and the exported signatures call only these methods. All variables
    exist once it is constructed. Calling it gives the expected image of the posterior's mean.

    Args:
      config: the parts of the model.
      image_shape: height, width, channels; any of them may be 1.
      pixel_mean: mean of all pixels of the training split, in [0, 1]; the untrained decoder's answer.
      seed: not negative; fixes the initial weights.

    Attributes:
      has_posterior: whether codes are random, so that q(z|x) has a log variance.
      config: as given.
      image_shape: as given.
      latent_dim: L, the number of dimensions of a code.
      pseudo_inputs: weights [K, height, width, channels], normalised as images are, if the prior is made of their posteriors;
        else None. They are 0 until they are set to K images.
    """

    has_posterior = False

    def __init__(self, config: ModelConfig, image_shape: tuple[int, int, int], pixel_mean: float, seed: int) -> None:
        super().__init__(name=config.kind.value)
        self.config = config
        self.image_shape = image_shape
        self.latent_dim = config.latent_dim
        self.encoder = build_encoder(config, image_shape, seed)
        self.decoder = build_decoder(config, image_shape, pixel_mean, seed)
        self.pseudo_inputs = None
        if config.resolved_prior is PriorKind.VAMP:
            shape = (config.prior_components, *image_shape)
            self.pseudo_inputs = self.add_weight(shape=shape, initializer="zeros", name="pseudo_inputs")
        self._pixels = distributions.pixel_distribution(config)
        self.built = True

    @property
    def describes_levels(self) -> bool:
        """Whether p(x|z) is a probability of images with 256 levels, so that -log p(x) has a meaning in bits per dimension."""
        return self._pixels.is_of_levels

    def encode(self, inputs: tf.Tensor, training: bool = False) -> Posterior:
        """The posterior over codes, q(z|x).

        Args:
          inputs: float32 [N, height, width, channels], normalised as in training.
          training: whether batch normalisation uses and updates the statistics of this batch.
        """
        statistics = self.encoder(inputs, training=training)
        return Posterior(statistics["mean"], statistics.get("log_variance"))

    def sample_code(self, posterior: Posterior, noise: tf.Tensor) -> tf.Tensor:
        """A code drawn from the posterior. An autoencoder's code is deterministic: the noise is ignored.

        Args:
          posterior: the result of `encode`.
          noise: float32 [N, L] or [K, N, L], drawn from the standard normal.

        Returns:
          float32 [N, L], or of the shape of `noise` if the code is random.
        """
        del noise
        return posterior.mean

    def decode(self, latent: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The parameters of the likelihood p(x|z), for example logits: see `distributions.PixelDistribution`.

        Args:
          latent: codes, float32 [N, L].
          training: as for `encode`.
        """
        return self.decoder(latent, training=training)

    def expected_image(self, parameters: tf.Tensor) -> tf.Tensor:
        """The expectation of each pixel, in [0, 1], float32 [N, height, width, channels], from the result of `decode`."""
        return self._pixels.expected_image(parameters)

    def log_likelihood(self, pixels: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """log p(x|z) in nats per image, float32 [N].

        Args:
          pixels: float32 [N, height, width, channels] in [0, 1].
          parameters: the result of `decode`.
        """
        return self._pixels.log_likelihood(pixels, parameters)

    def kl_divergence(self, posterior: Posterior) -> tf.Tensor:
        """KL(q(z|x) || N(0, I)) in nats for each latent dimension, float32 [N, L]. It is 0 for a deterministic code."""
        return tf.zeros_like(posterior.mean)

    def training_prior(self) -> TrainingPrior:
        """The prior p(z) of the training. An autoencoder's training does not use it."""
        return STANDARD_NORMAL

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The expected image of the posterior's mean: float32 [N, height, width, channels] in [0, 1]."""
        posterior = self.encode(inputs, training)
        return self.expected_image(self.decode(posterior.mean, training))


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose code is a random variable with a Gaussian posterior."""

    has_posterior = True

    def sample_code(self, posterior: Posterior, noise: tf.Tensor) -> tf.Tensor:
        """A code drawn from the posterior, float32, of the shape of `noise`; arguments as for `Autoencoder.sample_code`."""
        return distributions.reparameterize(posterior.mean, posterior.log_variance, noise)

    def kl_divergence(self, posterior: Posterior) -> tf.Tensor:
        """KL(q(z|x) || N(0, I)) in nats for each latent dimension: float32 [N, L]."""
        return distributions.kl_divergence(posterior.mean, posterior.log_variance)

    def training_prior(self) -> TrainingPrior:
        """N(0, I), or the mean of the posteriors of the pseudo-inputs as they are now."""
        if self.pseudo_inputs is None:
            return STANDARD_NORMAL
        # As the finished model encodes: pseudo-inputs must not change the statistics of batch normalisation.
        posterior = self.encode(self.pseudo_inputs)
        return VampPrior(posterior.mean, posterior.log_variance)


def build_model(config: ModelConfig, image_shape: tuple[int, int, int], pixel_mean: float, seed: int) -> Autoencoder:
    """An untrained model with all its variables.

    Args:
      config: which model, and its parts.
      image_shape: height, width, channels; any of them may be 1.
      pixel_mean: mean of all pixels of the training split, in [0, 1].
      seed: not negative; the same seed gives the same weights.
    """
    match config.kind:
        case ModelKind.AE:
            return Autoencoder(config, image_shape, pixel_mean, seed)
        case ModelKind.VAE:
            return VariationalAutoencoder(config, image_shape, pixel_mean, seed)
        case _:
            assert_never(config.kind)
