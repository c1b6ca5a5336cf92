"""The section about the training."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from components.artifacts.history import Epoch, EpochLosses, History
from components.report.findings import Findings
from components.report.numbers import training_section


def epoch(number: int, loss: float) -> Epoch:
    losses = EpochLosses(loss=loss, reconstruction_loss=loss, squared_error=1, kl_divergence=0, negative_elbo=loss)
    return Epoch(
        epoch=number, step=number, seconds=2, learning_rate=1e-3, kl_weight=1, train=losses, eval=losses, active_units=1,
        kl_per_dimension=(0.5,),
    )  # fmt: skip


def explanation(told: dict[str, Any], *losses: float) -> str:
    history = History(epochs=tuple(epoch(number, loss) for number, loss in enumerate(losses, start=1)))
    model, provenance = SimpleNamespace(has_posterior=True), SimpleNamespace(trainer=told)
    return training_section(cast(Findings, SimpleNamespace(training=history, model=model, provenance=provenance))).introduction


@pytest.mark.parametrize("told", [{}, {"epochs": 3}, {"epochs": 3, "prior_epochs": 0}])
def test_a_training_that_was_not_stopped_says_how_many_epochs_it_had_and_which_was_exported(told: dict[str, Any]):
    assert explanation(told, 5, 3, 4).startswith(
        "3 epochs in 6 seconds. The exported weights come from the epoch with the lowest eval loss, epoch 2. Of a long"
    )


def test_a_training_that_was_stopped_says_how_many_epochs_were_asked_for():
    assert explanation({"epochs": 9}, 5, 3, 4).startswith("3 epochs of at most 9 in 6 seconds.")


def test_epochs_with_the_fitted_prior_are_counted_and_explained():
    text = explanation({"epochs": 2, "prior_epochs": 2}, 5, 4, 2, 3)
    assert text.startswith("4 epochs in 8 seconds.")
    assert "epoch 3. In the last 2 the losses are those with the fitted prior, before with N(0, I). Of a long" in text
