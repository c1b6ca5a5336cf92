"""The variants that a sweep trains."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from components.artifacts.tuning import shown
from components.errors import ConfigurationError
from components.models.config import ModelKind
from components.tuner.space import check_values
from pipelines.config import PipelineConfig

_SUFFIX = "-sweep"


class Variant(NamedTuple):
    """One point of a sweep.

    Attributes:
      settings: What differs between variants, by dotted key.
      config: The whole configuration of the variant.
    """

    settings: dict[str, Any]
    config: PipelineConfig

    @property
    def title(self) -> str:
        """What differs, for a person."""
        return ", ".join(f"{key} {shown(value)}" for key, value in self.settings.items())

    @property
    def name(self) -> str:
        """The end of the name of the variant's run."""
        return re.sub(r"[^\w.]+", "-", re.sub(r"\b(model|trainer)\.", "", self.title)).strip("-")


def variants_of(config: PipelineConfig, grid: Mapping[str, Sequence[Any]]) -> list[Variant]:
    """Every value of each setting with every value of the others.

    The variants are runs of a separate pipeline, so they are never served, and never a baseline of the original pipeline.

    Args:
      config: The configuration of the original pipeline, which has all other settings.
      grid: The values of each setting of `model` or `trainer`, by dotted key.

    Raises:
      ConfigurationError: There is no such setting, a value is not allowed, or the name becomes too long.
    """
    for key, values in grid.items():
        try:
            check_values(key, values, config.training())
        except ValueError as error:
            raise ConfigurationError(f"{key}: {error}.") from error
    if "model.beta" in grid and config.model.kind is ModelKind.AE:
        raise ConfigurationError(
            "model.beta: an autoencoder has no KL divergence, which it weighs: sweep another setting, or choose a "
            "configuration with model.kind vae."
        )
    different = [[value for place, value in enumerate(values) if value not in values[:place]] for values in grid.values()]
    return [_variant(config, dict(zip(grid, point, strict=True))) for point in itertools.product(*different)]


def _variant(config: PipelineConfig, settings: dict[str, Any]) -> Variant:
    try:
        training = config.training().with_settings(settings)
        changed = config.model_dump() | {"name": config.name + _SUFFIX, "model": training.model, "trainer": training.trainer}
        # What a search finds would replace what the sweep changes.
        changed["tuner"] |= {"enabled": False}
        return Variant(settings, PipelineConfig.model_validate(changed))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise ConfigurationError(f"{key}: {problem['msg']}, with {settings}.") from error
