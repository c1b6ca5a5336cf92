"""Checks a search before anything runs. Imports neither tensorflow nor keras_tuner."""

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from components.models.config import ModelConfig
from components.settings import Section
from components.trainer.config import CustomConfig, Distribution, TrainerConfig
from components.tuner.config import Dimension, Objective, Search, TunerConfig


def check_search(config: TunerConfig, training: CustomConfig, has_classifier: bool) -> None:
    """Refuses a search that cannot work.

    Args:
      config: The search.
      training: The settings that are not searched.
      has_classifier: Whether there is a classifier for the Fréchet distance.

    Raises:
      ValueError: A sentence that names the key and says what to change.
    """
    if config.enabled and training.trainer.distribution is Distribution.MULTI_WORKER:
        raise ValueError("tuner.enabled: trials train on one machine, so trainer.distribution cannot be multi_worker")
    if config.enabled and config.objective is Objective.FRECHET_DISTANCE and not has_classifier:
        raise ValueError("tuner.objective: frechet_distance needs evaluator.frechet_distance.enabled=true")
    for key, dimension in config.space.items():
        try:
            types = _types(_annotation(key))
            _check_fits(key, config)
            if not dimension.choices:
                _check_range(dimension, types)
            check_values(key, dimension.choices or (dimension.min, dimension.max), training)
        except ValueError as error:
            raise ValueError(f"tuner.space.{key}: {error}") from error


def check_values(key: str, values: Sequence[Any], training: CustomConfig) -> None:
    """Refuses values that a setting of `model` or `trainer` cannot have.

    Raises:
      ValueError: There is no such setting, or it does not take one of the values.
    """
    _annotation(key)
    for value in values:
        try:
            training.with_settings({key: value})
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ").removeprefix("Input ")
            raise ValueError(f"{json.dumps(value)} is not allowed: it {message}") from error


def _annotation(key: str) -> Any:
    known = dict(_settings(ModelConfig, "model.")) | dict(_settings(TrainerConfig, "trainer."))
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1) or ["model.beta"]
        raise ValueError(f"there is no such setting of model or trainer; did you mean {close[0]}?")
    return known[key]


def _settings(section: type[Section], prefix: str) -> Iterator[tuple[str, Any]]:
    """The dotted key and the annotation of every setting of a section."""
    for name, field in section.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from _settings(annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", annotation


def _types(annotation: Any) -> set[Any]:
    """`tuple` and `int` are in `tuple[int, ...] | None`."""
    return {get_origin(annotation) or annotation}.union(*(_types(part) for part in get_args(annotation)))


def _check_fits(key: str, config: TunerConfig) -> None:
    """Refuses settings whose trials could not be compared, or that the search itself sets."""
    if config.objective is Objective.NEGATIVE_ELBO and key in ("model.kind", "model.likelihood"):
        raise ValueError("its values have losses that do not compare: set tuner.objective to frechet_distance")
    if key == "trainer.epochs" and (config.search is Search.HYPERBAND or config.epochs is not None):
        raise ValueError("hyperband and tuner.epochs set it: use tuner.search=random or bayesian, and tuner.epochs=null")


def _check_range(dimension: Dimension, types: set[Any]) -> None:
    if not types & {int, float} or tuple in types:
        raise ValueError("it has no range: list its values")
    if float not in types and not dimension.is_whole:
        raise ValueError("min, max and step must be whole numbers")
