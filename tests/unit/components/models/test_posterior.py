import numpy as np
import pytest
import tensorflow as tf

from components.models.distributions import kl_divergence
from components.models.posterior import log_variance_activation


def test_up_to_the_variance_of_the_prior_the_output_is_the_log_variance_itself():
    raw = np.array([-1000.0, -3.0, -1e-6, 0.0], np.float32)
    np.testing.assert_array_equal(log_variance_activation(raw), raw)


def test_above_it_the_variance_grows_linearly():
    raw = np.array([0.5, 3.0, 1e6], np.float32)
    np.testing.assert_allclose(np.exp(log_variance_activation(raw)), 1 + raw, rtol=1e-5)


def test_the_two_halves_join_smoothly():
    raw = tf.constant([-1e-6, 0.0, 1e-6])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        log_variance = log_variance_activation(raw)
    np.testing.assert_allclose(tape.gradient(log_variance, raw), 1.0, rtol=1e-5)


@pytest.mark.parametrize("raw", [-1e30, -100.0, 89.0, 1e6, 1e30])
def test_the_kl_divergence_of_any_output_is_finite_and_pulls_it_back(raw):
    raw = tf.constant([[raw]])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        divergence = kl_divergence(tf.zeros((1, 1)), log_variance_activation(raw))
    gradient = tape.gradient(divergence, raw)
    assert np.isfinite(divergence)
    np.testing.assert_allclose(gradient * tf.sign(raw), [[0.5]], rtol=0.02)
