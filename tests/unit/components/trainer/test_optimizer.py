"""The optimiser is Adam, and its learning rate goes as the schedule says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import Schedule, TrainerConfig
from components.trainer.optimizer import FusedAdam, LearningRate, build_optimizer


def five_steps(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """Where two variables stand after five steps with gradients of any kind."""
    variables = [keras.Variable([[1.0, -2.0], [0.5, 0.0]]), keras.Variable([3.0, -1.0])]
    optimizer.build(variables)
    step = tf.function(lambda gradients: optimizer.apply(gradients, variables))
    for number in range(5):
        step([tf.sin(tf.range(4.0) * (number + 1.0))[:, None][:2] * [[1.0, 2.0]], tf.constant([0.3, -1.0]) * number])
    return [variable.numpy() for variable in variables]


def test_fused_adam_takes_the_steps_of_keras_adam():
    fused, plain = five_steps(FusedAdam(0.1, beta_2=0.99)), five_steps(keras.optimizers.Adam(0.1, beta_2=0.99))

    for ours, keras_own in zip(fused, plain, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5)
    assert not np.allclose(fused[1], [3.0, -1.0])


def test_a_cosine_without_warm_up_is_that_of_keras():
    ours = LearningRate(0.3, Schedule.COSINE, total_steps=10, warmup_steps=0)
    keras_schedule = keras.optimizers.schedules.CosineDecay(0.3, 10)

    for step in range(12):
        assert float(ours(step)) == pytest.approx(float(keras_schedule(step)), abs=1e-7)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Schedule.LINEAR, [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]),
        (Schedule.CONSTANT, [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_the_rate_rises_over_the_warm_up_and_then_follows_the_schedule(schedule: Schedule, rates: list[float]):
    learning_rate = LearningRate(1.0, schedule, total_steps=6, warmup_steps=2)

    assert [float(learning_rate(step)) for step in range(7)] == pytest.approx(rates)


def test_the_schedule_goes_over_all_steps_of_all_epochs():
    optimizer = build_optimizer(TrainerConfig(epochs=4, learning_rate=0.1, schedule=Schedule.LINEAR, warmup_fraction=0.25), 5)
    rate = optimizer._learning_rate

    assert [float(rate(step)) for step in (0, 4, 5, 20)] == pytest.approx([0.02, 0.1, 0.1, 0.0])


def test_an_optimizer_survives_its_configuration():
    optimizer = build_optimizer(TrainerConfig(), 10)

    again = FusedAdam.from_config(optimizer.get_config())

    assert again.beta_2 == optimizer.beta_2
    assert float(again._learning_rate(3)) == float(optimizer._learning_rate(3))
