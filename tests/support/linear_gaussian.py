"""The one VAE whose marginal likelihood is known."""

import numpy as np
import scipy.stats
import tensorflow as tf

from components.models.autoencoder import VariationalAutoencoder
from components.models.config import ModelConfig
from components.models.distributions import Posterior


class LinearGaussian(VariationalAutoencoder):
    """Probabilistic principal components (Tipping & Bishop, 1999).

    x = W z + b + noise. The columns of W are orthogonal, so that the true posterior is a diagonal Gaussian too; `shift` and
    `scale` move the model's posterior away from it.
    """

    STDDEV = 0.5
    WEIGHTS = np.array([[1.0, 0.5], [1.0, -0.5], [0.0, 0.8]], np.float32)
    BIAS = np.array([0.2, 0.4, 0.6], np.float32)

    def __init__(self, shift=0.0, scale=1.0):
        config = ModelConfig(likelihood="gaussian", gaussian_stddev=self.STDDEV, latent_dim=2, hidden_units=(1,))
        super().__init__(config, (1, 3, 1), pixel_mean=0.5, seed=0)
        self.shift, self.scale = shift, scale

    def encode(self, inputs, training=False):
        variance = 1.0 / (1.0 + np.sum(self.WEIGHTS**2, axis=0) / self.STDDEV**2)
        mean = tf.matmul(tf.reshape(inputs, (-1, 3)) - self.BIAS, self.WEIGHTS) * variance / self.STDDEV**2
        return Posterior(mean + self.shift, tf.zeros_like(mean) + np.log(self.scale * variance))

    def decode(self, latent, training=False):
        return tf.reshape(tf.matmul(latent, self.WEIGHTS, transpose_b=True) + self.BIAS, (-1, 1, 3, 1))

    def log_marginal_likelihood(self, pixels):
        covariance = self.WEIGHTS @ self.WEIGHTS.T + self.STDDEV**2 * np.eye(3)
        return scipy.stats.multivariate_normal(self.BIAS, covariance).logpdf(pixels)
