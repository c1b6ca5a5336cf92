"""The Tuner's files, as KerasTuner and TFX write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.artifacts.tuning import Axis, Trial, Tuning, read_best_settings, read_tuning, settings_of, with_settings

VALUES = {"objective": "negative_elbo", "model.hidden_units": "[64, 64]", "model.latent_dim": 4, "trainer.learning_rate": 0.003}
SPACE = [
    {"class_name": "Fixed", "config": {"name": "objective", "conditions": [], "value": "negative_elbo"}},
    {"class_name": "Choice", "config": {"name": "model.hidden_units", "values": ["[32]", "[64, 64]"], "ordered": False}},
    {"class_name": "Choice", "config": {"name": "model.latent_dim", "values": [4, 8], "ordered": True}},
    {
        "class_name": "Float",
        "config": {"name": "trainer.learning_rate", "min_value": 0.001, "max_value": 0.01, "step": None, "sampling": "log"},
    },
]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "best_hyperparameters.txt").write_text(json.dumps({"space": SPACE, "values": VALUES}))
    rows = [{"trial_id": "2", "score": 205.5, **VALUES}, {"trial_id": "0", "score": 250.0, **VALUES, "tuner/epochs": 3}]
    (tmp_path / "tuner_results.json").write_text(json.dumps(rows))
    return tmp_path


def test_the_trials_are_read_as_they_were_ranked(written: Path):
    found: Tuning = read_tuning(written, written)

    assert found.objective == "negative_elbo"
    assert found.axes == [
        Axis("model.hidden_units", choices=[[32], [64, 64]]),
        Axis("model.latent_dim", choices=[4, 8]),
        Axis("trainer.learning_rate", low=0.001, high=0.01, is_log=True),
    ]
    settings = {"model.hidden_units": [64, 64], "model.latent_dim": 4, "trainer.learning_rate": 0.003}
    assert found.trials == [Trial(3, 205.5, settings, None), Trial(1, 250.0, settings, 3)]
    assert read_best_settings(written) == settings


def test_only_settings_are_taken_from_what_keras_tuner_stores():
    assert settings_of({"tuner/epochs": 3, "objective": "negative_elbo", "model.prior": "null"}) == {"model.prior": None}


def test_settings_change_what_they_name_and_nothing_else():
    augmentation = {"share": 0.0, "fade": True}
    sections: dict[str, Any] = {"model": {"beta": 1.0, "latent_dim": 8}, "trainer": {"augmentation": augmentation}}

    assert with_settings(sections, {"model.beta": 4.0, "trainer.augmentation.share": 0.5}) == {
        "model": {"beta": 4.0, "latent_dim": 8},
        "trainer": {"augmentation": {"share": 0.5, "fade": True}},
    }
    assert sections["model"]["beta"] == 1.0
