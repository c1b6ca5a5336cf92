"""The optimiser, its learning rate, and the precision of matrix products."""

import math
import os
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from components.models.config import Precision
from components.trainer.config import Schedule, TrainerConfig

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def build_optimizer(config: TrainerConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Adam (Kingma & Ba, 2015), with the learning rate of the configured schedule.

    Args:
      config: The recipe.
      steps_per_epoch: Training steps in an epoch, over all of which the schedule goes.
    """
    total_steps = config.epochs * steps_per_epoch
    schedule = LearningRate(config.learning_rate, config.schedule, total_steps, math.ceil(config.warmup_fraction * total_steps))
    return FusedAdam(schedule, beta_2=config.adam_beta_2)


@keras.saving.register_keras_serializable(package="tfx_vae")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from near 0 over the warm-up (Goyal et al., 2017), then goes as the schedule says."""

    def __init__(self, peak: float, schedule: Schedule, total_steps: int, warmup_steps: int) -> None:
        """Describes the whole course.

        Args:
          peak: The highest learning rate.
          schedule: How it goes after the warm-up.
          total_steps: Steps in all; from the last on the rate is that of the last.
          warmup_steps: Steps of the rise, fewer than `total_steps`.
        """
        self._peak = peak
        self._schedule = schedule
        self._total_steps = total_steps
        self._warmup_steps = warmup_steps

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        """The rate of a step, float32 scalar."""
        done = tf.cast(step, tf.float32)
        rise = tf.minimum(1.0, (done + 1.0) / max(1, self._warmup_steps))
        span = max(1, self._total_steps - self._warmup_steps)
        progress = tf.clip_by_value((done - self._warmup_steps) / span, 0.0, 1.0)
        match self._schedule:
            case Schedule.COSINE:
                fall = 0.5 * (1.0 + tf.cos(math.pi * progress))
            case Schedule.LINEAR:
                fall = 1.0 - progress
            case Schedule.CONSTANT:
                fall = tf.ones_like(progress)
        return self._peak * rise * fall

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "peak": self._peak,
            "schedule": self._schedule.value,
            "total_steps": self._total_steps,
            "warmup_steps": self._warmup_steps,
        }


@keras.saving.register_keras_serializable(package="tfx_vae")
class FusedAdam(keras.optimizers.Adam):
    """Adam whose update is one TensorFlow kernel.

    Keras writes it as some ten element-wise operations, each of which goes through all weights: a quarter of the time of a
    training step for a dense network on a CPU.
    """

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable | tf.Variable, learning_rate: tf.Tensor) -> None:
        """Updates one variable; the arithmetic is that of Keras's Adam."""
        step = tf.cast(self.iterations.value, tf.float32) + 1.0
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def _handle(variable: keras.Variable | tf.Variable) -> tf.Tensor:
    """The resource behind a variable; Keras hands over its own or TensorFlow's."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def resolve_precision(precision: Precision, cpuinfo: Path = Path("/proc/cpuinfo")) -> Precision:
    """Decides what `auto` means here.

    Args:
      precision: As configured.
      cpuinfo: Where Linux says what the processor can do.

    Returns:
      bfloat16 for `auto` if there is an accelerator, or a processor with instructions for it; float32 for `auto` otherwise;
      anything else as it is.
    """
    if precision is not Precision.AUTO:
        return precision
    if tf.config.list_physical_devices("GPU"):
        return Precision.BFLOAT16
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    # TensorFlow's own kernels emulate bfloat16, at a tenth of the speed; oneDNN's use the instructions.
    has_kernels = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") == "1"
    return Precision.BFLOAT16 if flags & _BFLOAT16_FLAGS and has_kernels else Precision.FLOAT32
