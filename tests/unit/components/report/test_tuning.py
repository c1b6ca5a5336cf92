"""The picture of a search, and what is said about it."""

import io
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from components.artifacts.tuning import Axis, Trial, Tuning
from components.report.findings import Findings
from components.report.page import Figure, Table
from components.report.tuning import _height, _limits, parallel_coordinates, tuning_section

AXES = [
    Axis("model.hidden_units", choices=[[32], [64, 64]]),
    Axis("trainer.learning_rate", low=1e-4, high=1e-2, is_log=True),
]


def trial(number: int, score: float, width: list[int], rate: float, epochs: int | None = None) -> Trial:
    return Trial(number, score, {"model.hidden_units": width, "trainer.learning_rate": rate}, epochs)


def findings(*trials: Trial) -> Findings:
    return cast(Findings, SimpleNamespace(tuning=Tuning("negative_elbo", AXES, trials) if trials else None))


def test_without_a_search_there_is_no_section():
    assert tuning_section(findings()) is None


def test_the_section_names_the_best_settings_and_lists_the_trials():
    section = tuning_section(findings(trial(2, 100.0, [64, 64], 1e-3, 9), trial(1, 120.0, [32], 1e-4, 3)))

    assert section is not None
    assert section.introduction == (
        "2 trials, ranked by their negative ELBO, nats per image, on the eval split. This model has the settings of the best: "
        "model.hidden_units [64, 64], trainer.learning_rate 0.001."
    )
    picture, table = section.blocks
    assert isinstance(picture, Figure)
    assert isinstance(table, Table)
    assert list(table.columns) == ["trial", "negative ELBO", "hidden units", "learning rate", "epochs"]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["2", "100.00", "[64, 64]", "0.001", "9"],
        ["1", "120.00", "[32]", "0.0001", "3"],
    ]


def test_a_logarithmic_axis_has_equal_factors_at_equal_distances_and_choices_have_equal_shares():
    trials = [trial(1, 1.0, [32], 1e-4), trial(2, 2.0, [64, 64], 1e-3), trial(3, 3.0, [64, 64], 1e-2)]

    assert [_height(AXES[1], trials, rank) for rank in range(3)] == pytest.approx([0.0, 0.5, 1.0])
    # Side by side around 1/4 and 3/4, the best lowest.
    assert [_height(AXES[0], trials, rank) for rank in range(3)] == pytest.approx([0.25 - 0.125, 0.75, 0.75 + 0.125])


@pytest.mark.parametrize(
    ("scores", "limits"),
    [([100.0, 110.0, 120.0], (100.0, 120.0)), ([100.0, 101.0, 9000.0], (100.0, 104.0)), ([5.0], (5.0, 5.0))],
)
def test_a_very_bad_trial_does_not_hide_the_others(scores: list[float], limits: tuple[float, float]):
    assert _limits(scores) == limits


def test_the_best_trial_is_drawn_in_red():
    def red(png: bytes) -> Any:
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int64)
        return (np.abs(pixels - [0xCC, 0x66, 0x77]).sum(axis=2) < 8).nonzero()

    low = trial(1, 1.0, [32], 1e-4)
    high = trial(2, 1.0, [64, 64], 1e-2)
    rows = [red(parallel_coordinates(Tuning("negative_elbo", AXES, order)))[0] for order in ([low, high], [high, low])]
    # Larger values are further up.
    assert rows[0].min() > rows[1].min()
    assert rows[0].mean() > rows[1].mean()
