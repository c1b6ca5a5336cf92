"""The optimiser, its learning rate, and the precision of matrix products."""

import math
import os
from pathlib import Path

import keras
import tensorflow as tf

from components.models.config import Precision
from components.private_keras import adam_averages
from components.trainer.config import Schedule, TrainerConfig

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def build_optimizer(config: TrainerConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Adam (Kingma & Ba, 2015) with the configured learning rate."""
    return FusedAdam(build_schedule(config, steps_per_epoch), beta_2=config.adam_beta_2)


def build_schedule(config: TrainerConfig, steps_per_epoch: int) -> "LearningRate":
    """The learning rate over all steps of `config.epochs` epochs."""
    total_steps = config.epochs * steps_per_epoch
    return LearningRate(config.learning_rate, config.schedule, total_steps, math.ceil(config.warmup_fraction * total_steps))


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from near 0 during the warm-up (Goyal et al., 2017), then follows the schedule."""

    def __init__(self, peak: float, schedule: Schedule, total_steps: int, warmup_steps: int) -> None:
        """Describes the learning rate of all steps.

        Args:
          peak: The highest learning rate.
          schedule: The learning rate after the warm-up.
          total_steps: Number of all steps; later steps have the rate of the last one.
          warmup_steps: Number of steps of the warm-up, fewer than `total_steps`.
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


class FusedAdam(keras.optimizers.Adam):
    """Adam whose update is one TensorFlow kernel.

    Keras's own update has about ten element-wise operations, each over all weights: a quarter of the time of a training step
    for a dense network on a CPU.
    """

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable | tf.Variable, learning_rate: tf.Tensor) -> None:
        """Updates one variable; the arithmetic is that of Keras's Adam."""
        step = tf.cast(self.iterations.value, tf.float32) + 1.0
        momentum, velocity = adam_averages(self, variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(momentum),
            v=_handle(velocity),
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


def _handle(variable: keras.Variable | tf.Variable) -> tf.Tensor:
    """The resource of a variable of Keras or of TensorFlow; Keras passes either."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def resolve_precision(precision: Precision, cpuinfo: Path = Path("/proc/cpuinfo")) -> Precision:
    """Decides what `auto` means on this machine.

    Args:
      precision: As configured.
      cpuinfo: Linux's description of the processor.

    Returns:
      For `auto`: bfloat16 if the machine has a GPU, or a processor with instructions for bfloat16; float32 otherwise. All other
      values unchanged.
    """
    if precision is not Precision.AUTO:
        return precision
    if tf.config.list_physical_devices("GPU"):
        return Precision.BFLOAT16
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.exists() else set()
    # TensorFlow's own kernels emulate bfloat16, at a tenth of the speed; oneDNN's use the instructions.
    has_kernels = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") == "1"
    return Precision.BFLOAT16 if flags & _BFLOAT16_FLAGS and has_kernels else Precision.FLOAT32
