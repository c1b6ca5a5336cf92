"""The losses that a model is judged by, and the objectives that training minimises.

All of them come from K codes drawn from the posterior of each image, z_k ~ q(z|x), and their likelihoods p(x|z_k). The ELBO:

    log p(x)  >=  E_q[log p(x|z)] - KL(q(z|x) || p(z))                                   Kingma & Welling, 2014, equation 3

and with the weights w_k = p(x|z_k) p(z_k) / q(z_k|x) the importance-weighted bound:

    log p(x)  >=  L_K  =  E[log (1/K) sum_k w_k]                                              Burda et al., 2016, equation 8

L_1 is the ELBO, L_K never falls as K grows, and it tends to log p(x).

Everything is summed over pixels and over latent dimensions for each image first, and averaged over images last. Averaging the
reconstruction over pixels while summing the KL divergence over dimensions would multiply the weight of the KL divergence by the
number of pixels, and drive it to 0.
"""

from typing import NamedTuple

import tensorflow as tf

from components.models.autoencoder import Autoencoder
from components.models.config import Objective
from components.models.distributions import Posterior
from components.models.prior import STANDARD_NORMAL, Density, log_standard_normal


class PosteriorSamples(NamedTuple):
    """K codes for each of N images, and their likelihoods."""

    posterior: Posterior
    """The posterior of each image."""

    noise: tf.Tensor
    """float32 [K, N, L]: the standard normal noise from which the codes were made."""

    codes: tf.Tensor
    """float32 [K, N, L]; if the code is deterministic, K times the same."""

    expected_images: tf.Tensor
    """float32 [K, N, height, width, channels]: the expectation of each pixel, in [0, 1]."""

    log_likelihood: tf.Tensor
    """float32 [K, N]: log p(x|z_k), nats per image."""


def sample_posterior(
    model: Autoencoder, inputs: tf.Tensor, pixels: tf.Tensor, noise: tf.Tensor, training: bool = False
) -> PosteriorSamples:
    """Encodes each image once, and decodes K codes of it. Memory grows with K times N.

    Args:
      model: any model of this package.
      inputs: float32 [N, height, width, channels], normalised: the encoder's input.
      pixels: the same images in [0, 1], whose likelihood is computed.
      noise: float32 [K, N, L], drawn from the standard normal. The same noise gives the same result.
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


class Losses(NamedTuple):
    """The losses of each image, each float32 [N]. The names are those of `components.artifacts.features.LOSSES`."""

    reconstruction_loss: tf.Tensor
    """Nats per image: -E_q[log p(x|z)]."""

    squared_error: tf.Tensor
    """Sum over pixels in [0, 1] of the squared difference between image and expected image."""

    kl_divergence: tf.Tensor
    """Nats per image: KL(q(z|x) || p(z)); 0 for an autoencoder."""

    negative_elbo: tf.Tensor
    """Nats per image: reconstruction loss plus KL divergence, whatever the weight of the KL divergence in training."""


def per_example_losses(
    model: Autoencoder,
    inputs: tf.Tensor,
    pixels: tf.Tensor,
    noise: tf.Tensor,
    training: bool = False,
    prior: Density = STANDARD_NORMAL,
) -> Losses:
    """The losses of each image, with E_q estimated from one code.

    Arguments as for `sample_posterior`, but noise [N, L], and the prior p(z).
    """
    return sampled_losses(model, pixels, sample_posterior(model, inputs, pixels, noise[tf.newaxis], training), prior)


def sampled_losses(
    model: Autoencoder, pixels: tf.Tensor, samples: PosteriorSamples, prior: Density = STANDARD_NORMAL
) -> Losses:
    """The losses of each image, with E_q estimated from K codes.

    The KL divergence from N(0, I) has a closed form. That from another prior differs by an expectation, which is estimated
    from the same codes:

        KL(q(z|x) || p(z))  =  KL(q(z|x) || N(0, I))  +  E_q[log N(z; 0, I) - log p(z)]

    Args:
      model: the model of the samples.
      pixels: the images in [0, 1], float32 [N, height, width, channels].
      samples: K codes for each image.
      prior: p(z).
    """
    reconstruction_loss = -tf.reduce_mean(samples.log_likelihood, axis=0)
    squared_difference = tf.math.squared_difference(pixels, samples.expected_images)
    divergence = tf.reduce_sum(model.kl_divergence(samples.posterior), axis=1)
    if model.has_posterior and prior is not STANDARD_NORMAL:
        divergence += tf.reduce_mean(log_standard_normal(samples.codes) - prior.log_density(samples.codes), axis=0)
    return Losses(
        reconstruction_loss=reconstruction_loss,
        squared_error=tf.reduce_mean(tf.reduce_sum(squared_difference, axis=(2, 3, 4)), axis=0),
        kl_divergence=divergence,
        negative_elbo=reconstruction_loss + divergence,
    )


def training_objective(
    objective: Objective,
    losses: Losses,
    samples: PosteriorSamples,
    beta: tf.Tensor | float,
    prior: Density = STANDARD_NORMAL,
) -> tf.Tensor:
    """The number that training minimises, for each image: float32 [N], nats per image.

    Args:
      objective: `elbo` is reconstruction loss + beta * KL divergence: the negative ELBO if beta is 1, otherwise the objective
        of Higgins et al., 2017, "beta-VAE", equation 4; for an autoencoder the reconstruction loss. `iwae` is minus the
        importance-weighted bound L_K over the K codes of each image.
      losses: of the images.
      samples: the codes from which the losses were estimated.
      beta: weight of the KL divergence; `iwae` ignores it.
      prior: p(z), as for the losses.

    Raises:
      ValueError: `iwae` for a deterministic code.
    """
    # AutoGraph does not support `match`.
    if objective is Objective.IWAE:
        return -importance_weighted_bound(log_weights(samples, prior))
    return losses.reconstruction_loss + beta * losses.kl_divergence


def kl_weight(epoch: tf.Tensor | float, warmup_epochs: int, beta: float) -> tf.Tensor:
    """Weight of the KL divergence during training: it rises linearly from 0 to `beta`, then stays. float32 scalar.

    Bowman et al., 2016, "Generating Sentences from a Continuous Space", section 3.1.

    Args:
      epoch: epochs since training began; fractions count.
      warmup_epochs: length of the rise; 0 for none.
      beta: weight after the rise.
    """
    if warmup_epochs == 0:
        return tf.constant(beta, tf.float32)
    return beta * tf.clip_by_value(tf.cast(epoch, tf.float32) / warmup_epochs, 0.0, 1.0)


def log_importance_weights(
    model: Autoencoder,
    inputs: tf.Tensor,
    pixels: tf.Tensor,
    noise: tf.Tensor,
    training: bool = False,
    prior: Density = STANDARD_NORMAL,
) -> tf.Tensor:
    """log w_k of K new codes of each image: arguments as for `sample_posterior`, and the prior; result as for `log_weights`."""
    return log_weights(sample_posterior(model, inputs, pixels, noise, training), prior)


def log_weights(samples: PosteriorSamples, prior: Density = STANDARD_NORMAL) -> tf.Tensor:
    """log w_k = log p(x|z_k) + log p(z_k) - log q(z_k|x). Logarithms, because weights span hundreds of orders of magnitude.

    Args:
      samples: K codes for each of N images.
      prior: p(z).

    Returns:
      float32 [K, N], in nats per image.

    Raises:
      ValueError: the code is deterministic, so q(z|x) has no density and there are no weights.
    """
    log_variance = samples.posterior.log_variance
    if log_variance is None:
        raise ValueError("A deterministic code has no posterior density, so there are no importance weights.")
    log_prior = prior.log_density(samples.codes)
    # The posterior's density at mean + stddev * noise, without dividing by a standard deviation that may be tiny.
    log_posterior = log_standard_normal(samples.noise) - 0.5 * tf.reduce_sum(log_variance, axis=-1)
    return samples.log_likelihood + log_prior - log_posterior


def importance_weighted_bound(log_weights: tf.Tensor) -> tf.Tensor:
    """L_K, a lower bound of log p(x): the logarithm of the mean weight.

    Args:
      log_weights: float32 [K, N].

    Returns:
      float32 [N], in nats per image; if K is 1, the log weight itself.
    """
    return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(tf.cast(tf.shape(log_weights)[0], log_weights.dtype))
