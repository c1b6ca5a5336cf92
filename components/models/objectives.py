"""What a model is judged by, and what training lowers.

Everything is summed over pixels and over latent dimensions for each example first, and averaged over the batch last. Averaging
the reconstruction over pixels while summing the KL divergence over dimensions would weigh the KL by the number of pixels, and
drive it to 0.
"""

from typing import NamedTuple

import tensorflow as tf

from components.models.autoencoder import Autoencoder
from components.models.config import Objective
from components.models.importance import importance_weighted_bound, log_weights
from components.models.posterior_samples import PosteriorSamples, sample_posterior


class Losses(NamedTuple):
    """Per example, each float32 [N]; the names are those of `components.artifacts.features.LOSSES`."""

    reconstruction_loss: tf.Tensor
    """Nats per image: minus the log-likelihood under the code that was drawn."""

    squared_error: tf.Tensor
    """Sum over pixels in [0, 1] of the squared difference between image and expected image."""

    kl_divergence: tf.Tensor
    """Nats per image, summed over the latent dimensions; 0 for an autoencoder."""

    negative_elbo: tf.Tensor
    """Nats per image: reconstruction loss plus KL divergence, whatever the weight of the KL in training."""


def per_example_losses(
    model: Autoencoder, inputs: tf.Tensor, pixels: tf.Tensor, noise: tf.Tensor, training: bool = False
) -> Losses:
    """The losses of each image, with the expectation under the posterior estimated from one code.

    Args:
      model: any model of this package.
      inputs: float32 [N, height, width, channels], normalised: what the encoder sees.
      pixels: the same images in [0, 1]: what the likelihood is about.
      noise: float32 [N, L], drawn from the standard normal. With the same noise the result is the same.
      training: whether batch normalisation uses and updates the statistics of this batch.
    """
    return sampled_losses(model, pixels, sample_posterior(model, inputs, pixels, noise[tf.newaxis], training))


def sampled_losses(model: Autoencoder, pixels: tf.Tensor, samples: PosteriorSamples) -> Losses:
    """The losses of each image, with the expectation under the posterior estimated from K codes.

    Args:
      model: what the codes were drawn from.
      pixels: the images in [0, 1], float32 [N, height, width, channels].
      samples: K codes of each.
    """
    reconstruction_loss = -tf.reduce_mean(samples.log_likelihood, axis=0)
    squared_difference = tf.math.squared_difference(pixels, samples.expected_images)
    divergence = tf.reduce_sum(model.kl_divergence(samples.posterior), axis=1)
    return Losses(
        reconstruction_loss=reconstruction_loss,
        squared_error=tf.reduce_mean(tf.reduce_sum(squared_difference, axis=(2, 3, 4)), axis=0),
        kl_divergence=divergence,
        negative_elbo=reconstruction_loss + divergence,
    )


def training_objective(objective: Objective, losses: Losses, samples: PosteriorSamples, beta: tf.Tensor | float) -> tf.Tensor:
    """What training lowers, for each image: float32 [N], nats per image.

    Args:
      objective: `elbo`: reconstruction loss + beta * KL divergence; with beta = 1 the negative ELBO; for other values Higgins
        et al., 2017, "beta-VAE"; for an autoencoder the reconstruction loss. `iwae`: minus the importance-weighted bound of
        Burda et al., 2016, equation 8, over the K codes of each image; its expectation for K = 1 is the negative ELBO.
      losses: of the images.
      samples: what the losses were estimated from.
      beta: weight of the KL divergence; `iwae` has no such weight.

    Raises:
      ValueError: `iwae` for a deterministic code.
    """
    # Not `match`, which AutoGraph does not know.
    if objective is Objective.IWAE:
        return -importance_weighted_bound(log_weights(samples))
    return losses.reconstruction_loss + beta * losses.kl_divergence


def kl_weight(epoch: tf.Tensor | float, warmup_epochs: int, beta: float) -> tf.Tensor:
    """Weight of the KL divergence, which rises linearly from 0 to `beta`, then stays: float32 scalar.

    Bowman et al., 2016, "Generating Sentences from a Continuous Space", section 3.1.

    Args:
      epoch: epochs done since training began; fractions count.
      warmup_epochs: length of the rise; 0 for none.
      beta: weight after it.
    """
    if warmup_epochs == 0:
        return tf.constant(beta, tf.float32)
    return beta * tf.clip_by_value(tf.cast(epoch, tf.float32) / warmup_epochs, 0.0, 1.0)
