"""Products may be in bfloat16; what goes in, what comes out and what is learnt is float32."""

import pytest
import tensorflow as tf

from components.models.config import ModelConfig, Network, Precision
from components.models.factory import build_model


@pytest.mark.parametrize("network", list(Network))
def test_a_bfloat16_model_has_float32_weights_and_outputs(network: Network):
    config = ModelConfig(network=network, hidden_units=(8,), filters=(4, 8), latent_dim=3, precision=Precision.BFLOAT16)
    model = build_model(config, (8, 8, 1), 0.2, 0)

    posterior = model.encode(tf.zeros([2, 8, 8, 1]))

    assert {posterior.mean.dtype, posterior.log_variance.dtype, model.decode(posterior.mean).dtype} == {tf.float32}
    assert {variable.dtype for variable in model.variables} == {"float32"}


@pytest.mark.parametrize("network", list(Network))
def test_the_products_differ_from_float32_by_the_rounding_of_bfloat16(network: Network):
    images = tf.random.stateless_uniform([4, 8, 8, 1], [1, 2])
    means = []
    for precision in (Precision.BFLOAT16, Precision.FLOAT32):
        config = ModelConfig(network=network, hidden_units=(8,), filters=(4, 8), latent_dim=3, precision=precision)
        means.append(build_model(config, (8, 8, 1), 0.2, 0).encode(images).mean)

    difference = tf.reduce_max(tf.abs(means[0] - means[1])) / tf.reduce_max(tf.abs(means[1]))
    assert 0 < float(difference) < 0.02
