"""What the Tuner writes: the best settings and all trials. Imports neither tfx nor tensorflow.

A setting is named as in the configuration, `model.latent_dim`. KerasTuner stores numbers and texts only, so all that is not a
number is stored as JSON.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HYPERPARAMETERS: Final = "hyperparameters"
"""The Trainer's input with the best settings."""

OBJECTIVE: Final = "objective"
"""The key, beside the settings, of what the trials were ranked by: the name of a metric."""

EPOCHS: Final = "tuner/epochs"
"""The key of the epochs of a trial of Hyperband, as KerasTuner names it."""

_SECTIONS: Final = ("model.", "trainer.")
_BEST_FILE: Final = "best_hyperparameters.txt"
_TRIALS_FILE: Final = "tuner_results.json"
"""As TFX's Tuner names them."""


def settings_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the values that KerasTuner has stored."""
    return {
        key: json.loads(value) if isinstance(value, str) else value
        for key, value in values.items()
        if key.startswith(_SECTIONS)
    }


def with_settings(sections: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested sections, with other values of the settings that dotted keys name."""
    changed = copy.deepcopy(dict(sections))
    for key, value in settings.items():
        *path, last = key.split(".")
        target = changed
        for section in path:
            target = target.setdefault(section, {})
        target[last] = value
    return changed


def words(key: str) -> str:
    """The name of a setting, for a person: `latent dim` for `model.latent_dim`."""
    return key.rpartition(".")[2].replace("_", " ")


def shown(value: Any) -> str:
    """A value of a setting, for a person."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def read_best_settings(directory: Path) -> dict[str, Any]:
    """The settings in the Tuner's output `best_hyperparameters`, by dotted key."""
    return settings_of(_read_best(directory)["values"])


def _read_best(directory: Path) -> dict[str, Any]:
    best: dict[str, Any] = json.loads((directory / _BEST_FILE).read_text())
    return best


@dataclass(frozen=True)
class Axis:
    """A setting that was searched.

    Attributes:
      key: Its name, `model.latent_dim`.
      choices: All values, in order; empty for a range.
      low: The smallest value of a range.
      high: The largest value of a range.
      is_log: Whether a range was sampled on a logarithmic scale.
    """

    key: str
    choices: Sequence[Any] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False


@dataclass(frozen=True)
class Trial:
    """A training of the search.

    Attributes:
      number: From 1, in the order in which the trials started.
      score: The objective: the lower, the better.
      settings: By dotted key.
      epochs: Its number of epochs, if Hyperband chose it.
    """

    number: int
    score: float
    settings: Mapping[str, Any]
    epochs: int | None


@dataclass(frozen=True)
class Tuning:
    """A whole search.

    Attributes:
      objective: What the trials were ranked by: the name of a metric.
      axes: What was searched.
      trials: Those that succeeded, the best first.
    """

    objective: str
    axes: Sequence[Axis]
    trials: Sequence[Trial]


def read_tuning(best: Path, results: Path) -> Tuning:
    """Reads the two outputs of the Tuner, `best_hyperparameters` and `tuner_results`."""
    found = _read_best(best)
    return Tuning(
        objective=found["values"][OBJECTIVE],
        axes=[_axis(hyperparameter["config"]) for hyperparameter in found["space"] if hyperparameter["class_name"] != "Fixed"],
        trials=[_trial(row) for row in json.loads((results / _TRIALS_FILE).read_text())],
    )


def _axis(config: Mapping[str, Any]) -> Axis:
    key = config["name"]
    if "values" in config:
        return Axis(key, choices=[settings_of({key: value})[key] for value in config["values"]])
    return Axis(key, low=config["min_value"], high=config["max_value"], is_log=config["sampling"] == "log")


def _trial(row: Mapping[str, Any]) -> Trial:
    # KerasTuner numbers trials from 0.
    return Trial(int(row["trial_id"]) + 1, row["score"], settings_of(row), row.get(EPOCHS))
