"""Adam, its learning rate, and what precision `auto` means."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.models.config import Precision
from components.trainer.config import Schedule, TrainerConfig
from components.trainer.optimizer import FusedAdam, LearningRate, build_schedule, resolve_precision


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
    rate = build_schedule(TrainerConfig(epochs=4, learning_rate=0.1, schedule=Schedule.LINEAR, warmup_fraction=0.25), 5)

    assert [float(rate(step)) for step in (0, 4, 5, 20)] == pytest.approx([0.02, 0.1, 0.1, 0.0])


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("flags : fpu avx2 avx512f avx512_bf16", Precision.BFLOAT16),
        ("flags : fpu avx512f amx_bf16 amx_tile", Precision.BFLOAT16),
        ("flags : fpu avx2 avx512f avx512_vnni", Precision.FLOAT32),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(
    tmp_path: Path, flags: str, precision: Precision, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    (tmp_path / "cpuinfo").write_text(flags)

    assert resolve_precision(Precision.AUTO, tmp_path / "cpuinfo") is precision


def test_auto_is_float32_without_the_kernels_that_use_the_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16")

    assert resolve_precision(Precision.AUTO, tmp_path / "cpuinfo") is Precision.FLOAT32


def test_auto_is_float32_where_the_processor_is_unknown(tmp_path: Path):
    assert resolve_precision(Precision.AUTO, tmp_path / "nowhere") is Precision.FLOAT32


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.BFLOAT16])
def test_a_configured_precision_is_kept(tmp_path: Path, precision: Precision):
    assert resolve_precision(precision, tmp_path / "nowhere") is precision
