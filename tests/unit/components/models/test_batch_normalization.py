"""Batch normalisation is that of Keras, whatever it is computed by. Over several devices: test_distribution.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.models.batch_normalization import BatchNormalization


def two_steps(layer: keras.layers.Layer, inputs: tf.Tensor) -> tuple[list[np.ndarray], np.ndarray]:
    """Output, gradients and variables after a second step, and what the layer gives afterwards without training."""
    layer.build(inputs.shape)
    layer.gamma.assign([0.5, 2.0, -1.0])
    layer.beta.assign([0.1, 0.0, 3.0])
    layer(inputs + 1.0, training=True)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        objective = tf.reduce_sum(outputs * tf.sin(tf.reshape(tf.range(tf.size(outputs), dtype=tf.float32), outputs.shape)))
    found = tape.gradient(objective, [inputs, layer.gamma.value, layer.beta.value])
    return [outputs.numpy(), *(value.numpy() for value in (*found, *layer.variables))], layer(inputs).numpy()


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3, 3), (2, 3)])
def test_one_kernel_gives_what_keras_gives(shape: tuple[int, ...]):
    inputs = 4.0 + 3.0 * tf.random.stateless_normal(shape, (1, 2))

    ours, ours_after = two_steps(BatchNormalization(momentum=0.9), inputs)
    keras_own, keras_after = two_steps(keras.layers.BatchNormalization(momentum=0.9), inputs)

    for one, other in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours_after, keras_after, rtol=1e-4)
