"""The configuration of the search for settings."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import combinations
from typing import Any, Final, Self

from pydantic import Field, JsonValue, PositiveInt, field_validator, model_validator

from components.artifacts.features import NEGATIVE_ELBO
from components.settings import Section
from components.trainer.config import CustomConfig


class Search(StrEnum):
    """How the next settings are chosen."""

    RANDOM = "random"
    """At random."""

    BAYESIAN = "bayesian"
    """Where a Gaussian process, fitted to the trials so far, expects most; the first trials are random."""

    HYPERBAND = "hyperband"
    """At random; many with few epochs, and the best again with more (Li et al., 2018)."""


class Objective(StrEnum):
    """What the search lowers, of the eval split."""

    NEGATIVE_ELBO = NEGATIVE_ELBO
    """Nats per image, of the model with its prior."""

    FRECHET_DISTANCE = "frechet_distance"
    """Between images and as many samples."""


class Sampling(StrEnum):
    """The scale on which a range is sampled evenly."""

    LINEAR = "linear"
    LOG = "log"


class Dimension(Section):
    """The values of one setting: `[2, 8, 32]`, or `{min: 1.0e-4, max: 1.0e-2, sampling: log}`."""

    choices: tuple[JsonValue, ...] = ()
    """All values; a list alone means this."""

    min: int | float | None = None
    """The smallest value of a range."""

    max: int | float | None = None
    """The largest value of a range."""

    step: int | float | None = Field(default=None, gt=0)
    """The distance of two values of a range or, if it is sampled on a logarithmic scale, their ratio; null is none."""

    sampling: Sampling = Sampling.LINEAR
    """`linear` or `log`."""

    @model_validator(mode="before")
    @classmethod
    def _read_list(cls, value: Any) -> Any:
        if isinstance(value, list | dict):
            return {"choices": value} if isinstance(value, list) else value
        raise ValueError("must be a list of values, as in [2, 8, 32], or a range with min and max")

    @field_validator("choices", mode="before")
    @classmethod
    def _is_a_tuple(cls, choices: Any) -> Any:
        # After another validator, pydantic's strict mode no longer knows that the list comes from JSON.
        return tuple(choices) if isinstance(choices, list) else choices

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.min is None and self.max is None:
            if len(self.choices) < 2 or any(one == other for one, other in combinations(self.choices, 2)):
                raise ValueError("needs two different values or more, as in [2, 8, 32], or a min and a max")
            return self
        if self.choices or self.min is None or self.max is None:
            raise ValueError("must be either a list of values or a range with min and max")
        if self.min >= self.max:
            raise ValueError(f"min ({self.min:g}) must be below max ({self.max:g})")
        is_log = self.sampling is Sampling.LOG
        if is_log and self.min <= 0:
            raise ValueError(f"min ({self.min:g}) must be above 0 to be sampled on a logarithmic scale")
        if self.step is not None and (self.step <= 1 if is_log else self.step > self.max - self.min):
            raise ValueError(f"step ({self.step:g}) must be {'above 1' if is_log else 'at most max - min'}")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether a range has whole numbers only."""
        return all(isinstance(number, int) for number in (self.min, self.max, self.step) if number is not None)


_DIMENSION: Final = frozenset(Dimension.model_fields)


def _default_space() -> dict[str, Dimension]:
    return {
        "model.latent_dim": Dimension(choices=(8, 16, 32, 64)),
        "trainer.learning_rate": Dimension(min=1e-3, max=1e-2, sampling=Sampling.LOG),
        "trainer.batch_size": Dimension(choices=(128, 256, 512)),
    }


class TunerConfig(Section):
    """The search for settings of the model and of the training, with KerasTuner; docs/tuning.md has an example."""

    enabled: bool = False
    """Search before every training; the Trainer then uses the best settings. A search with unchanged inputs comes from the
    cache."""

    search: Search = Search.BAYESIAN
    """`random`, `bayesian`, or `hyperband`."""

    objective: Objective = Objective.NEGATIVE_ELBO
    """What the search lowers, measured on the eval split: `negative_elbo` of the model with its prior, in nats, or
    `frechet_distance` of as many samples, at most `evaluator.frechet_distance.images`."""

    trials: PositiveInt = 20
    """Trainings of `random` and `bayesian`, at most. Those of `hyperband` follow from `epochs` and `hyperband_factor`."""

    epochs: PositiveInt | None = None
    """Epochs of a trial, for `hyperband` the most; null is `trainer.epochs`."""

    hyperband_factor: int = Field(default=3, ge=2)
    """`hyperband` trains one of this number of trials again, with this number of times the epochs."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Determines which settings are tried."""

    space: dict[str, Dimension] = Field(default_factory=_default_space)
    """What to try for settings of `model` and `trainer`: a list of values, or a range with `min`, `max` and, optionally, `step`
    and `sampling` (`linear` or `log`): `{model.hidden_units: [[256], [512, 512]], model.beta: {min: 0.5, max: 4}}`."""

    @field_validator("space", mode="before")
    @classmethod
    def _join_keys(cls, space: Any) -> Any:
        """Reads `{model: {beta: [1, 4]}}` like `{model.beta: [1, 4]}`."""
        if space == {}:
            raise ValueError("must name one setting or more, as in {model.latent_dim: [8, 32]}")
        return _joined(space, "") if isinstance(space, dict) else space


def _joined(space: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for key, value in space.items():
        if isinstance(value, dict) and value and not _DIMENSION & value.keys():
            joined |= _joined(value, f"{prefix}{key}.")
        else:
            joined[f"{prefix}{key}"] = value
    return joined


class SearchSettings(Section):
    """All that the pipeline tells the Tuner in addition to its input artifacts: `custom_config`."""

    tuner: TunerConfig
    training: CustomConfig
    """The settings that are not searched."""

    directory: str
    """Each search has a directory below this one."""

    classifier: str = ""
    """Output of FeatureClassifier, for the Fréchet distance."""

    classifier_images: int = 0
    """Number of images for the Fréchet distance, at most."""

    source_digest: str = ""
    """Digest of the code that searches, so that it is part of the cache key."""
