"""Codes drawn from the posteriors of images, and what the decoder says of each: what every objective is made of."""

from typing import NamedTuple

import tensorflow as tf

from components.models.autoencoder import Autoencoder
from components.models.posterior import Posterior


class PosteriorSamples(NamedTuple):
    """K codes for each of N images."""

    posterior: Posterior
    """Of each image."""

    noise: tf.Tensor
    """float32 [K, N, L]: the standard normal noise that the codes were made of."""

    codes: tf.Tensor
    """float32 [K, N, L]; where the code is deterministic, K times the same."""

    expected_images: tf.Tensor
    """float32 [K, N, height, width, channels]: the expectation of each pixel, in [0, 1]."""

    log_likelihood: tf.Tensor
    """float32 [K, N]: log p(x|z), nats per image."""


def sample_posterior(
    model: Autoencoder, inputs: tf.Tensor, pixels: tf.Tensor, noise: tf.Tensor, training: bool = False
) -> PosteriorSamples:
    """Encodes each image once, and decodes K codes of it. Memory grows with K times N images.

    Args:
      model: any model of this package.
      inputs: float32 [N, height, width, channels], normalised: what the encoder sees.
      pixels: the same images in [0, 1]: what the likelihood is about.
      noise: float32 [K, N, L], drawn from the standard normal. With the same noise the result is the same.
      training: whether batch normalisation uses and updates the statistics of this batch.
    """
    posterior = model.encode(inputs, training)
    codes = tf.broadcast_to(model.sample_code(posterior, noise), tf.shape(noise))
    parameters = model.decode(tf.reshape(codes, [-1, model.latent_dim]), training)
    repeated_pixels = tf.tile(pixels, [tf.shape(noise)[0], 1, 1, 1])
    by_sample = tf.concat([tf.shape(noise)[:2], tf.shape(pixels)[1:]], axis=0)
    return PosteriorSamples(
        posterior=posterior,
        noise=noise,
        codes=codes,
        expected_images=tf.reshape(model.expected_image(parameters), by_sample),
        log_likelihood=tf.reshape(model.log_likelihood(repeated_pixels, parameters), tf.shape(noise)[:2]),
    )
