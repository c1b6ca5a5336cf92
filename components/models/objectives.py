"""What a model is judged by, and what training lowers.

Everything is summed over pixels and over latent dimensions for each example first, and averaged over the batch last. Averaging
the reconstruction over pixels while summing the KL divergence over dimensions would weigh the KL by the number of pixels, and
drive it to 0.
"""

from typing import NamedTuple

import tensorflow as tf

from components.models.autoencoder import Autoencoder


class Losses(NamedTuple):
    """Per example, each float32 [N]; the names are those of `components.features.LOSSES`."""

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
    posterior = model.encode(inputs, training)
    parameters = model.decode(model.sample_code(posterior, noise), training)
    reconstruction_loss = -model.log_likelihood(pixels, parameters)
    squared_difference = tf.math.squared_difference(pixels, model.expected_image(parameters))
    divergence = tf.reduce_sum(model.kl_divergence(posterior), axis=1)
    return Losses(
        reconstruction_loss=reconstruction_loss,
        squared_error=tf.reduce_sum(squared_difference, axis=(1, 2, 3)),
        kl_divergence=divergence,
        negative_elbo=reconstruction_loss + divergence,
    )


def training_objective(losses: Losses, beta: tf.Tensor | float) -> tf.Tensor:
    """Mean over the batch of reconstruction loss + beta * KL divergence, in nats per image: float32 scalar.

    With beta = 1 the negative ELBO; for other values Higgins et al., 2017, "beta-VAE". For an autoencoder the KL divergence is
    0, and this is the reconstruction loss.
    """
    return tf.reduce_mean(losses.reconstruction_loss + beta * losses.kl_divergence)


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
