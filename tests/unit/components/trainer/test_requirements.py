"""How much memory and disk a training needs, known before anything is trained."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.errors import ConfigurationError
from components.models.autoencoder import build_model
from components.models.config import ModelConfig
from components.trainer import requirements
from components.trainer.config import TrainerConfig
from components.trainer.distribution import count_processes_here
from components.trainer.requirements import check_requirements, estimate
from pipelines.config import load_config

PROJECT = Path(__file__).parents[4]
CONFIGURATIONS = sorted((PROJECT / "pipelines" / "configs").glob("*.yaml"))
EIGHT_GIGABYTES = 8e9


def dense(**settings: Any) -> ModelConfig:
    return ModelConfig(hidden_units=(3,), latent_dim=2, batch_normalization=False, **settings)


def test_weights_copies_and_activations_are_those_of_the_closed_form() -> None:
    """Four pixels, three hidden units, two dimensions."""
    weights = (4 + 1) * 3 + 2 * (3 + 1) * 2 + (2 + 1) * 3 + (3 + 1) * 4
    encoder = 4 + 4 + 3 + 3 + 2 + 2  # image, pixels, hidden, activation, mean, log variance
    decoder = 2 + 3 + 3 + 4 + 4  # code, hidden, activation, pixels, parameters

    needed = estimate(dense(samples=5), TrainerConfig(batch_size=10, epochs=3), (2, 2, 1), count=1000)

    assert needed.weights == weights == 56
    assert needed.weight_bytes == 6 * 4 * weights
    assert needed.activation_bytes == 4 * 10 * (encoder + 5 * decoder)
    assert needed.checkpoint_bytes == 2 * 4 * 4 * weights


def test_a_batch_has_at_most_all_images_and_one_epoch_writes_one_checkpoint() -> None:
    needed = estimate(dense(), TrainerConfig(batch_size=256, epochs=1), (2, 2, 1), count=7)

    assert needed.activation_bytes == 4 * 7 * (18 + 16)
    assert needed.checkpoint_bytes == 4 * 4 * 56


def test_with_epochs_for_the_fitted_prior_the_last_checkpoint_before_them_stays() -> None:
    needed = estimate(dense(), TrainerConfig(epochs=3, prior_epochs=2), (2, 2, 1), count=7)

    assert needed.checkpoint_bytes == 3 * 4 * 4 * 56


def test_large_photographs_need_what_was_seen() -> None:
    """A run on 60 photographs of 512 x 512 x 3 with 512 hidden units took 21 GB, and 13 GB for a checkpoint."""
    pixels = 512 * 512 * 3
    needed = estimate(ModelConfig(hidden_units=(512,)), TrainerConfig(), (512, 512, 3), count=60)

    assert needed.weights == pytest.approx(2 * pixels * 512, rel=2e-3)
    assert needed.weight_bytes + needed.activation_bytes == pytest.approx(21e9, rel=0.1)
    assert needed.checkpoint_bytes / 2 == pytest.approx(13e9, rel=0.05)


@pytest.mark.parametrize(
    "settings",
    [
        {"network": "conv", "residual_layers": 2, "decoder_units": (7, 5)},
        {"network": "dense", "decoder_network": "conv"},
        {"kind": "ae", "hidden_units": (9, 8)},
    ],
)
def test_as_many_weights_are_counted_as_the_built_model_has(settings: dict[str, Any]) -> None:
    config = ModelConfig(**settings)

    needed = estimate(config, TrainerConfig(), (9, 6, 3), count=10)

    assert needed.weights == build_model(config, (9, 6, 3), 0.5, seed=0).count_params()


def test_what_cannot_fit_is_refused_and_nothing_of_it_is_allocated(tmp_path: Path) -> None:
    huge = ModelConfig(hidden_units=(2**22, 2**22))

    with pytest.raises(
        ConfigurationError, match=r"weights needs [\d.]+ GB of memory .* GB are free: lower model\.hidden_units or"
    ):
        check_requirements(huge, TrainerConfig(), (28, 28, 1), 1000, str(tmp_path))

    build_model(dense(), (2, 2, 1), 0.5, seed=0)  # Keras initialises variables that were put off when it builds the next model


def test_the_sentence_names_what_takes_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "free_memory", lambda: 2e9)
    convolutional = ModelConfig(network="conv", samples=100)

    with pytest.raises(ConfigurationError, match=r"2\.0 GB are free: lower trainer\.batch_size or model\.samples"):
        check_requirements(convolutional, TrainerConfig(batch_size=5000), (64, 64, 3), 10_000, str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"lower model\.filters, model\.decoder_units or transform\.image_shape"):
        check_requirements(ModelConfig(network="conv", filters=(32, 8192)), TrainerConfig(), (64, 64, 3), 2, str(tmp_path))


@pytest.mark.parametrize(
    ("workers", "index", "processes"),
    [(None, 0, 1), (["a:1"], 0, 1), (["a:1", "a:2"], 1, 2), (["a:1", "b:1", "a:2", "a:3"], 2, 3), (["a:1", "b:1"], 1, 1)],
)
def test_processes_of_one_machine_share_its_memory(
    workers: list[str] | None, index: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """56 weights take 1,344 bytes in each process, and a batch of one image takes 136 in all of them together."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if workers is not None:
        task = {"type": "worker", "index": index}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": workers}, "task": task}))
    assert count_processes_here() == processes
    arguments = (dense(), TrainerConfig(batch_size=1), (2, 2, 1), 1000, None, processes)
    monkeypatch.setattr(requirements, "free_memory", lambda: processes * 1344 + 136)
    check_requirements(*arguments)
    monkeypatch.setattr(requirements, "free_memory", lambda: processes * 1344 + 135)

    remedy = "lower trainer.workers, or lower model" if processes > 1 else "lower model"
    with pytest.raises(
        ConfigurationError, match=f"optimiser{f' of {processes} processes' if processes > 1 else ''}, .*: {remedy}"
    ):
        check_requirements(*arguments)


def test_checkpoints_that_cannot_fit_are_refused_but_by_a_process_that_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two checkpoints of 56 weights take 1,792 bytes; one that is there already takes its part of them."""
    monkeypatch.setattr(requirements, "free_disk", lambda _: 1791)

    with pytest.raises(ConfigurationError, match=r"0\.0 GB of disk, .*runtime\.root"):
        check_requirements(dense(), TrainerConfig(), (2, 2, 1), 1000, str(tmp_path))
    check_requirements(dense(), TrainerConfig(), (2, 2, 1), 1000, None)
    (tmp_path / "ckpt-1.data").write_bytes(b"1")
    check_requirements(dense(), TrainerConfig(), (2, 2, 1), 1000, str(tmp_path))


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_no_configuration_of_this_project_is_refused_on_a_machine_with_8_gigabytes(path: Path) -> None:
    config = load_config(path)
    shape = (32, 32, 3) if "cifar" in path.stem else (28, 28, 1)

    needed = estimate(config.model, config.trainer, shape, count=60_000)

    assert needed.weight_bytes + needed.activation_bytes < EIGHT_GIGABYTES / 4
    assert needed.checkpoint_bytes < 1e9
