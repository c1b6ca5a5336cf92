"""Learning curves: which epoch was the best, and how long ago."""

from pathlib import Path

import pytest

from components.artifacts.history import Epoch, EpochLosses, History, read_history


def history(*eval_losses: float) -> History:
    """One epoch for each eval loss; the training loss falls all the while, and so does the negative ELBO."""
    made = History()
    for number, loss in enumerate(eval_losses, start=1):
        losses = {"reconstruction_loss": 70.0, "squared_error": 8.0, "kl_divergence": 24.0, "negative_elbo": 100.0 - number}
        made = made.plus(
            Epoch(
                epoch=number,
                step=10 * number,
                seconds=1.0,
                learning_rate=1e-3,
                kl_weight=1.0,
                train=EpochLosses(loss=200.0 - number, **losses),
                eval=EpochLosses(loss=loss, **losses),
                active_units=2,
                kl_per_dimension=(12.0, 12.0, 0.0),
            )
        )
    return made


def test_the_best_epoch_has_the_lowest_eval_loss():
    best = history(103.0, 99.0, 101.0).best

    assert best is not None
    assert best.epoch == 2


def test_of_two_equal_epochs_the_first_is_the_best():
    assert history(99.0, 99.0).epochs_since_best == 1


@pytest.mark.parametrize(("losses", "epochs"), [((), 0), ((9.0,), 0), ((9.0, 8.0), 0), ((8.0, 9.0, 9.0), 2)])
def test_patience_counts_from_the_best_epoch(losses: tuple[float, ...], epochs: int):
    assert history(*losses).epochs_since_best == epochs


def test_a_history_survives_a_checkpoint():
    made = history(103.0, 99.0)

    assert History.model_validate_json(made.model_dump_json()) == made


def test_the_written_history_names_the_exported_epoch_and_is_read_back(tmp_path: Path):
    made = history(103.0, 99.0, 101.0)
    (tmp_path / "history.json").write_text(made.to_json())

    assert '"best_epoch": 2' in made.to_json()
    assert read_history(tmp_path) == made


def test_a_model_that_came_without_a_history_has_none(tmp_path: Path):
    assert read_history(tmp_path) is None


def test_curves_are_by_epoch_and_seconds_of_all():
    made = history(103.0, 99.0)

    assert (made.curve("eval", "loss"), made.curve("train", "loss")) == ([103.0, 99.0], [199.0, 198.0])
    assert made.seconds == 2.0
