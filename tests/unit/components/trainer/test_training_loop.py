"""The warning about a collapsed posterior."""

import logging

import pytest

from components.artifacts.history import Epoch, EpochLosses
from components.trainer.training_loop import CollapseWatch


def epoch(number: int, active_units: int) -> Epoch:
    losses = EpochLosses(loss=206, reconstruction_loss=205.9, squared_error=50, kl_divergence=0.1, negative_elbo=206)
    return Epoch(
        epoch=number,
        step=number,
        seconds=1,
        learning_rate=1e-3,
        kl_weight=1,
        train=losses,
        eval=losses,
        active_units=active_units,
        kl_per_dimension=(0.1,) * 32,
    )


def warnings(caplog: pytest.LogCaptureFixture, watching: CollapseWatch, *active_units: int) -> list[str]:
    with caplog.at_level(logging.WARNING, logger="tfx_vae"):
        for number, active in enumerate(active_units, start=1):
            watching.check(epoch(number, active))
    return [record.getMessage() for record in caplog.records]


def watch(latent_dim: int = 32, beta: float = 1.0, warmup_epochs: int = 0, eval_images: int = 100) -> CollapseWatch:
    return CollapseWatch(latent_dim, beta, warmup_epochs, eval_images)


def test_a_collapse_is_reported_once_with_figures(caplog: pytest.LogCaptureFixture):
    [warning] = warnings(caplog, watch(), 20, 1, 0)

    assert "after epoch 2, 1 of 32 latent dimensions are active, with a KL divergence of 0.10 nats" in warning
    assert "model.beta" in warning


def test_a_tenth_of_the_dimensions_active_is_no_collapse(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, watch(), 4, 4, 4) == []


def test_of_few_dimensions_one_active_is_no_collapse_and_none_is(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, watch(latent_dim=2), 1, 1) == []
    assert len(warnings(caplog, watch(latent_dim=2), 0, 0)) == 1


def test_the_first_epoch_and_the_warm_up_are_not_reported(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, watch(warmup_epochs=3), 0, 0, 0) == []
    assert len(warnings(caplog, watch(warmup_epochs=3), 0, 0, 0, 0)) == 1


def test_an_autoencoder_cannot_collapse(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, watch(beta=0.0), 0, 0, 0) == []


def test_one_eval_image_tells_nothing_and_two_do(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, watch(eval_images=1), 0, 0, 0) == []
    assert len(warnings(caplog, watch(eval_images=2), 0, 0, 0)) == 1
