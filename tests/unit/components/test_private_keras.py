"""What this project needs of Keras below its public interface is there, and does what it did."""

import keras
import numpy as np
import pytest

SENTENCE = (
    "This version of Keras no longer has what components/private_keras.py builds on ({}): compare it with "
    "keras/src/optimizers/adam.py of the installed version."
)


def test_adam_keeps_averages_of_the_gradients_of_each_variable():
    from components.private_keras import adam_averages

    optimizer = keras.optimizers.Adam(beta_1=0.9, beta_2=0.99)
    variables = [keras.Variable([0.0]), keras.Variable([1.0, 2.0])]
    optimizer.build(variables)
    optimizer.apply([np.array([5.0], np.float32), np.array([-3.0, 4.0], np.float32)], variables)
    try:
        averages = adam_averages(optimizer, variables[1])
    except (AttributeError, TypeError) as error:
        pytest.fail(SENTENCE.format(error))
    expected = np.array([0.1, 0.1], np.float32) * [-3.0, 4.0], np.array([0.01, 0.01], np.float32) * [9.0, 16.0]
    np.testing.assert_allclose(averages, expected, rtol=1e-5, err_msg=SENTENCE.format("the averages are others"))
