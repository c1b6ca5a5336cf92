"""The variational autoencoder of Kingma & Welling, 2014, and Rezende et al., 2014.

A code z has the prior p(z) = N(0, I), and an image x the likelihood p(x|z), whose parameters are the decoder's output. The
encoder gives q(z|x) = N(mean, diag(variance)), which stands for the intractable posterior. For every such q

    log p(x)  >=  E_q[log p(x|z)] - KL(q(z|x) || p(z))  =  ELBO

with equality where q is the posterior. Training lowers the negative ELBO: the reconstruction loss plus the KL divergence.
"""

import tensorflow as tf

from components.models import distributions
from components.models.autoencoder import Autoencoder
from components.models.posterior import Posterior


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose code is a random variable with a Gaussian posterior and a standard normal prior."""

    def sample_code(self, posterior: Posterior, noise: tf.Tensor) -> tf.Tensor:
        """A code drawn from the posterior: float32 [N, L].

        Args:
          posterior: what `encode` gave.
          noise: float32 [N, L], drawn from the standard normal.
        """
        return distributions.reparameterize(posterior.mean, posterior.log_variance, noise)

    def kl_divergence(self, posterior: Posterior) -> tf.Tensor:
        """Divergence of the posterior from the prior in nats for each latent dimension: float32 [N, L]."""
        return distributions.kl_divergence(posterior.mean, posterior.log_variance)
