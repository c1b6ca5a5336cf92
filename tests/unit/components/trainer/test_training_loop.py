"""A posterior does not collapse without a word."""

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


def warnings(caplog: pytest.LogCaptureFixture, watch: CollapseWatch, *active_units: int) -> list[str]:
    with caplog.at_level(logging.WARNING, logger="tfx_vae"):
        for number, active in enumerate(active_units, start=1):
            watch.check(epoch(number, active))
    return [record.getMessage() for record in caplog.records]


def test_it_is_said_once_and_with_figures(caplog: pytest.LogCaptureFixture):
    [warning] = warnings(caplog, CollapseWatch(32, 1.0, 0), 20, 1, 0)

    assert "after epoch 2, 1 of 32 latent dimensions are active, with a KL divergence of 0.10 nats" in warning
    assert "model.beta" in warning


def test_a_tenth_of_the_dimensions_is_enough(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, CollapseWatch(32, 1.0, 0), 4, 4, 4) == []


def test_one_of_few_dimensions_is_enough_and_none_is_not(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, CollapseWatch(2, 1.0, 0), 1, 1) == []
    assert len(warnings(caplog, CollapseWatch(2, 1.0, 0), 0, 0)) == 1


def test_the_first_epoch_and_the_warm_up_are_not_judged(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, CollapseWatch(32, 1.0, 3), 0, 0, 0) == []
    assert len(warnings(caplog, CollapseWatch(32, 1.0, 3), 0, 0, 0, 0)) == 1


def test_an_autoencoder_has_nothing_to_collapse(caplog: pytest.LogCaptureFixture):
    assert warnings(caplog, CollapseWatch(32, 0.0, 0), 0, 0, 0) == []
