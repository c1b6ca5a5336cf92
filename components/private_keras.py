"""The parts of Keras below its public interface, and all that this project does with them.

`tests/unit/components/test_private_keras.py` says what no longer works after an upgrade.
"""

import keras
import tensorflow as tf


def adam_averages(
    optimizer: keras.optimizers.Adam, variable: keras.Variable | tf.Variable
) -> tuple[keras.Variable, keras.Variable]:
    """The moving averages that Adam keeps of the gradients of a variable, and of their squares."""
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index], optimizer._velocities[index]
