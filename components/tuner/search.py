"""`tuner_fn`, which TFX's Tuner calls: KerasTuner chooses settings, and each trial is a whole training.

A trial of Hyperband with more epochs does not continue the one before: the learning rate depends on the number of epochs.
"""

import hashlib
import json
import logging
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial
from pydantic import ValidationError

from components.artifacts.feature_classifier import FeatureClassifier
from components.artifacts.tuning import EPOCHS, OBJECTIVE, settings_of
from components.errors import ConfigurationError, PipelineError, TrainingDivergedError
from components.progress import part_of
from components.trainer.distribution import open_replicas
from components.trainer.run import TrainingArguments
from components.tuner.config import Dimension, Objective, Search, SearchSettings, TunerConfig
from components.tuner.trial import Measure, SampleDistance, negative_elbo, train_and_measure

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs
    from tfx.components.tuner.component import TunerFnResult

_LOGGER: Final = logging.getLogger("tfx_vae.tuner")
_NEVER: Final = 2**31
_FIRST_TRIALS: Final = 3
"""Random trials for each setting, before a Gaussian process is fitted."""


def tuner_fn(fn_args: "FnArgs") -> "TunerFnResult":
    """Opens the search for TFX, which runs it."""
    from tfx.components.tuner.component import TunerFnResult

    return TunerFnResult(tuner=open_search(fn_args), fit_kwargs={})


def open_search(fn_args: "FnArgs") -> "ResumableSearch":
    """Prepares the search, or its continuation after an interruption.

    Args:
      fn_args: Files, transform graph, base model, and a `SearchSettings` as `custom_config`.

    Raises:
      ConfigurationError: The images have no labels, which the Fréchet distance needs.
    """
    settings = SearchSettings.model_validate_json(json.dumps(fn_args.custom_config), strict=True)
    inputs = [settings.model_dump(mode="json"), fn_args.train_files, fn_args.eval_files, fn_args.transform_graph_path]
    inputs.append(fn_args.base_model)
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    directory = Path(settings.directory) / digest
    measure = _measure(settings)
    replicas = open_replicas(settings.training.trainer.distribution)

    def judge(trial: Trial) -> float:
        values = trial.hyperparameters.values
        epochs = values.get(EPOCHS, settings.tuner.epochs)
        chosen = settings_of(values) | ({} if epochs is None else {"trainer.epochs": epochs})
        arguments = TrainingArguments(
            train_files=fn_args.train_files,
            eval_files=fn_args.eval_files,
            transform_output=fn_args.transform_graph_path,
            serving_model_dir="",
            model_run_dir=str(directory / "curves" / trial.trial_id),
            base_model=fn_args.base_model,
            custom_config=settings.training.with_settings(chosen),
        )
        return train_and_measure(arguments, replicas, measure)

    return ResumableSearch(make_oracle(settings.tuner, settings.training.trainer.epochs), judge, Project(directory))


def _measure(settings: SearchSettings) -> Measure:
    if settings.tuner.objective is Objective.NEGATIVE_ELBO:
        return negative_elbo
    classifier = FeatureClassifier.load(settings.classifier)
    if classifier is None:
        raise ConfigurationError(
            "tuner.objective: frechet_distance needs images of two labels or more, and split 'train' has none: "
            "set it to negative_elbo."
        )
    return SampleDistance(classifier, settings.classifier_images)


def make_oracle(config: TunerConfig, epochs: int) -> keras_tuner.Oracle:
    """What chooses the settings of the next trial; its `max_trials` is the number of trials, or an upper bound.

    Args:
      config: The search.
      epochs: Of the training, unless `config` has its own.
    """
    space = keras_tuner.HyperParameters()
    space.Fixed(OBJECTIVE, str(config.objective))
    for key, dimension in config.space.items():
        _declare(space, key, dimension)
    common: dict[str, Any] = {
        "objective": keras_tuner.Objective(str(config.objective), "min"),
        "hyperparameters": space,
        "allow_new_entries": False,
        "tune_new_entries": False,
        # KerasTuner draws a seed instead of 0.
        "seed": config.seed + 1,
        "max_consecutive_failed_trials": _NEVER,
    }
    match config.search:
        case Search.RANDOM:
            return keras_tuner.oracles.RandomSearchOracle(max_trials=config.trials, **common)
        case Search.BAYESIAN:
            first = _FIRST_TRIALS * len(config.space)
            return keras_tuner.oracles.BayesianOptimizationOracle(max_trials=config.trials, num_initial_points=first, **common)
        case Search.HYPERBAND:
            most = config.epochs or epochs
            oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=most, factor=config.hyperband_factor, **common)
            oracle.max_trials = hyperband_trials(most, config.hyperband_factor)
            return oracle


def hyperband_trials(epochs: int, factor: int) -> int:
    """The number of trials that KerasTuner's Hyperband makes: those of all rounds of all brackets."""
    brackets = [0]
    while factor ** (len(brackets)) <= epochs:
        brackets.append(len(brackets))
    last = math.ceil(1 + math.log(epochs, factor))
    return sum(
        math.ceil(last / (bracket + 1) * factor ** (bracket - round_)) for bracket in brackets for round_ in range(bracket + 1)
    )


def _declare(space: keras_tuner.HyperParameters, key: str, dimension: Dimension) -> None:
    if not dimension.choices:
        declare = space.Int if dimension.is_whole else space.Float
        declare(key, dimension.min, dimension.max, step=dimension.step, sampling=str(dimension.sampling))
        return
    # KerasTuner knows numbers and texts, and all choices must have one type.
    numbers = [value for value in dimension.choices if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(dimension.choices):
        space.Choice(key, [json.dumps(value) for value in dimension.choices])
    else:
        is_whole = all(isinstance(number, int) for number in numbers)
        space.Choice(key, numbers if is_whole else [float(number) for number in numbers])


@dataclass(frozen=True)
class Project:
    """The files of a search.

    KerasTuner writes its files in place, so a process that is killed may leave half of one. After each step they are copied;
    a search continues from the newest copy that is whole.

    Attributes:
      directory: Of the search; nothing else is in it.
    """

    directory: Path

    @property
    def work(self) -> Path:
        """KerasTuner's directory."""
        return self.directory / "work"

    def _copies(self) -> list[Path]:
        return sorted(self.directory.glob("step-*"))

    def restore(self) -> None:
        """Makes KerasTuner's directory that of the newest copy; empty for a new search."""
        shutil.rmtree(self.work, ignore_errors=True)
        if copies := self._copies():
            shutil.copytree(copies[-1], self.work)

    def keep(self) -> None:
        """Copies KerasTuner's directory."""
        before = self._copies()
        number = int(before[-1].name.removeprefix("step-")) + 1 if before else 0
        unfinished = self.directory / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(self.work, unfinished)
        # It gets its name once it is whole.
        unfinished.rename(self.directory / f"step-{number:06}")
        for copy in before:
            shutil.rmtree(copy)


class ResumableSearch(BaseTuner):
    """KerasTuner's loop over trials, around our training."""

    def __init__(self, oracle: keras_tuner.Oracle, judge: Callable[[Trial], float], project: Project) -> None:
        """Continues the search of the project, if it has one.

        Args:
          oracle: Chooses settings.
          judge: Trains, and returns the objective.
          project: Where the search is kept.
        """
        self._judge = judge
        self._project = project
        project.restore()
        super().__init__(oracle, directory=str(project.directory), project_name=project.work.name)

    def on_trial_begin(self, trial: Trial) -> None:
        """Keeps which settings are tried, so that an interrupted training continues."""
        super().on_trial_begin(trial)
        values = trial.hyperparameters.values
        for dimension in self.oracle.get_space().space:
            # On a logarithmic scale KerasTuner can exceed a range of whole numbers by 1.
            if isinstance(dimension, keras_tuner.engine.hyperparameters.Int):
                values[dimension.name] = min(values[dimension.name], dimension.max_value)
        self.save()
        self._project.keep()

    def on_trial_end(self, trial: Trial) -> None:
        """Keeps the result."""
        super().on_trial_end(trial)
        self._project.keep()

    def run_trial(self, trial: Trial, *_: Any, **__: Any) -> dict[str, float]:
        """Trains with the settings of a trial. One that cannot be trained is passed over, with a warning.

        Raises:
          FatalError: What would make other trials fail too; its cause says why.
        """
        number, best = int(trial.trial_id) + 1, self._best()
        so_far = "" if best is None else f", best {best:.2f}"
        try:
            with part_of(f"trial {number} of {self.oracle.max_trials}{so_far}"):
                value = self._known(trial) or self._judge(trial)
        except (ConfigurationError, TrainingDivergedError, ValidationError) as error:
            raise self._passed_over(number, error) from error
        except Exception as error:
            # KerasTuner would go on to the next trial, whatever happened.
            raise keras_tuner.errors.FatalError(str(error)) from error
        if not math.isfinite(value):
            raise self._passed_over(number, f"{self.oracle.objective.name} is {value}")
        _LOGGER.info("Trial %d of %d: %s %.2f", number, self.oracle.max_trials, self.oracle.objective.name, value)
        return {self.oracle.objective.name: value}

    def on_search_end(self) -> None:
        """Checks that there is a result.

        Raises:
          PipelineError: Every trial failed.
        """
        if self._best() is None:
            raise PipelineError("Every trial of the search failed; the warnings say why: change tuner.space.")

    def _best(self) -> float | None:
        return min((trial.score for trial in self.oracle.trials.values() if trial.status == "COMPLETED"), default=None)

    def _known(self, trial: Trial) -> float | None:
        """The result of an earlier trial with the same values, of which a Gaussian process may propose one again."""
        values = trial.hyperparameters.values
        same = (other for other in self.oracle.trials.values() if other.hyperparameters.values == values)
        return next((other.score for other in same if other.status == "COMPLETED"), None)

    def _passed_over(self, number: int, reason: object) -> keras_tuner.errors.FailedTrialError:
        text = reason.errors()[0]["msg"].removeprefix("Value error, ") if isinstance(reason, ValidationError) else str(reason)
        _LOGGER.warning("Trial %d of %d is passed over: %s", number, self.oracle.max_trials, text)
        return keras_tuner.errors.FailedTrialError(text)
