"""The loop over trials, around a function whose minimum is known instead of a training."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner.engine.trial import Trial

from components.artifacts.tuning import EPOCHS, settings_of
from components.errors import ConfigurationError, PipelineError, TrainingDivergedError
from components.tuner.config import Dimension, Sampling, Search, TunerConfig
from components.tuner.search import Project, ResumableSearch, hyperband_trials, make_oracle

SPACE = {
    "model.latent_dim": Dimension(min=2, max=64, sampling=Sampling.LOG),
    "model.beta": Dimension(min=0.5, max=4.0),
    "model.hidden_units": Dimension(choices=([32], [64, 64])),
    "trainer.early_stopping_patience": Dimension(choices=(None, 3)),
}


def loss(trial: Trial) -> float:
    """Lowest, 0, at 16 dimensions, beta 1, two layers and no early stopping."""
    values = settings_of(trial.hyperparameters.values)
    width, beta = math.log2(values["model.latent_dim"] / 16), values["model.beta"] - 1
    others = (values["model.hidden_units"] == [32]) + (values["trainer.early_stopping_patience"] == 3)
    return width**2 + beta**2 + others


class Recorded:
    """A judge that remembers the settings it was given, in order; some calls raise instead."""

    def __init__(self, raised: dict[int, BaseException] | None = None, judge: Callable[[Trial], float] = loss) -> None:
        self.values: list[dict[str, Any]] = []
        self._raised = raised or {}
        self._judge = judge

    def __call__(self, trial: Trial) -> float:
        self.values.append(dict(trial.hyperparameters.values))
        if len(self.values) in self._raised:
            raise self._raised[len(self.values)]
        return self._judge(trial)


def open_search(directory: Path, judge: Recorded, **settings: Any) -> ResumableSearch:
    config = TunerConfig(**{"trials": 12, "space": SPACE, **settings})
    return ResumableSearch(make_oracle(config, epochs=9), judge, Project(directory))


@pytest.mark.parametrize("search", list(Search))
def test_each_search_stays_in_the_space_and_finds_what_is_good(tmp_path: Path, search: Search):
    judge = Recorded()
    # The Gaussian process chooses after three random trials for each dimension.
    found = open_search(tmp_path, judge, search=search, trials=14)
    found.search()

    for values in map(settings_of, judge.values):
        assert values.keys() == SPACE.keys()
        assert values["model.latent_dim"] in range(2, 65)
        assert 0.5 <= values["model.beta"] <= 4
        assert values["model.hidden_units"] in ([32], [64, 64])
    best = found.oracle.get_best_trials()[0]
    assert best.score == min(loss(trial) for trial in found.oracle.trials.values()) < 2


@pytest.mark.parametrize(("epochs", "factor"), [(9, 3), (1, 3), (8, 2), (10, 4)])
def test_hyperband_makes_as_many_trials_as_it_says(tmp_path: Path, epochs: int, factor: int):
    judge = Recorded(judge=lambda trial: trial.hyperparameters.values["model.beta"])
    space = {"model.beta": Dimension(min=0.5, max=4.0)}
    open_search(tmp_path, judge, search=Search.HYPERBAND, epochs=epochs, hyperband_factor=factor, space=space).search()

    assert len(judge.values) == hyperband_trials(epochs, factor)
    assert max(values[EPOCHS] for values in judge.values) == epochs


@pytest.mark.parametrize("search", [Search.RANDOM, Search.HYPERBAND])
def test_an_interrupted_search_continues_with_the_trial_that_was_interrupted(tmp_path: Path, search: Search):
    whole = Recorded()
    open_search(tmp_path / "whole", whole, search=search).search()
    first, second = Recorded({4: KeyboardInterrupt()}), Recorded()
    with pytest.raises(KeyboardInterrupt):
        open_search(tmp_path / "interrupted", first, search=search).search()
    # What KerasTuner was writing is half written.
    for file in (tmp_path / "interrupted" / "work").rglob("*.json"):
        file.write_text(file.read_text()[:20])
    (tmp_path / "interrupted" / "unfinished").mkdir()
    resumed = open_search(tmp_path / "interrupted", second, search=search)
    resumed.search()

    assert first.values[:3] + second.values == whole.values
    assert first.values[3] == second.values[0]
    assert [trial.score for trial in resumed.oracle.get_best_trials(3)] == sorted(map(loss, resumed.oracle.trials.values()))[:3]


def test_a_search_that_has_ended_is_not_repeated(tmp_path: Path):
    open_search(tmp_path, Recorded()).search()
    again = Recorded()
    open_search(tmp_path, again).search()

    assert again.values == []


def test_settings_that_cannot_be_trained_are_passed_over_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    failures = {1: TrainingDivergedError("The loss became nan."), 2: ConfigurationError("It needs 9 GB."), 3: math.nan}
    judge = Recorded({n: error for n, error in failures.items() if isinstance(error, BaseException)})
    judge._judge = lambda trial: math.nan if len(judge.values) == 3 else loss(trial)
    found = open_search(tmp_path, judge, search=Search.RANDOM)
    found.search()

    assert len(judge.values) == 12
    assert sum(trial.status == "COMPLETED" for trial in found.oracle.trials.values()) == 9
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "Trial 1 of 12 is passed over: The loss became nan.",
        "Trial 2 of 12 is passed over: It needs 9 GB.",
        "Trial 3 of 12 is passed over: negative_elbo is nan",
    ]


def test_a_search_in_which_every_trial_fails_is_an_error(tmp_path: Path):
    judge = Recorded({n: TrainingDivergedError("nan") for n in range(1, 4)})
    with pytest.raises(PipelineError, match=r"Every trial of the search failed.*tuner\.space"):
        open_search(tmp_path, judge, trials=3).search()


def test_what_has_nothing_to_do_with_the_settings_stops_the_search(tmp_path: Path):
    judge = Recorded({2: OSError(28, "No space left on device")})
    with pytest.raises(keras_tuner.errors.FatalError) as stopped:
        open_search(tmp_path, judge).search()
    assert isinstance(stopped.value.__cause__, OSError)
    assert len(judge.values) == 2


def test_settings_are_not_trained_twice(tmp_path: Path):
    judge = Recorded(judge=lambda trial: float(trial.hyperparameters.values["model.latent_dim"]))
    found = open_search(tmp_path, judge, trials=8, space={"model.latent_dim": Dimension(choices=(2, 4))})
    found.search()

    assert sorted(values["model.latent_dim"] for values in judge.values) == [2, 4]


def test_a_changed_search_has_other_values(tmp_path: Path):
    one, other = Recorded(), Recorded()
    open_search(tmp_path / "one", one, search=Search.RANDOM).search()
    open_search(tmp_path / "other", other, search=Search.RANDOM, seed=1).search()

    assert one.values != other.values
