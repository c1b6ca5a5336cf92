"""The variants that a sweep trains."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError

from components.errors import ConfigurationError
from components.models.config import ModelKind
from pipelines.config import PipelineConfig

_SUFFIX = "-sweep"


class Variant(NamedTuple):
    """One point of a sweep.

    Attributes:
      latent_dim: Dimensions of the code.
      beta: Weight of the KL divergence in the training objective.
      config: The whole configuration of the variant.
    """

    latent_dim: int
    beta: float
    config: PipelineConfig

    @property
    def name(self) -> str:
        """The end of the name of the variant's run."""
        return f"latent-{self.latent_dim}-beta-{self.beta:g}"


def variants_of(config: PipelineConfig, latent_dims: Sequence[int], betas: Sequence[float]) -> list[Variant]:
    """Every latent size with every beta.

    The variants are runs of a separate pipeline, so they are never served, and never a baseline of the original pipeline.

    Args:
      config: The configuration of the original pipeline, which has all other settings.
      latent_dims: Latent sizes.
      betas: Weights of the KL divergence.

    Raises:
      ConfigurationError: A value is out of range, the name becomes too long, or the model has no KL divergence.
    """
    if config.model.kind is ModelKind.AE:
        raise ConfigurationError(
            "An autoencoder has no KL divergence, so there is no trade-off to sweep: choose a configuration "
            "with model.kind vae."
        )
    return [
        Variant(latent_dim, beta, _variant(config, latent_dim, beta))
        for latent_dim in dict.fromkeys(latent_dims)
        for beta in dict.fromkeys(betas)
    ]


def _variant(config: PipelineConfig, latent_dim: int, beta: float) -> PipelineConfig:
    changed = config.model_dump()
    changed["name"] = config.name + _SUFFIX
    changed["model"] |= {"latent_dim": latent_dim, "beta": beta}
    # What a search finds would replace what the sweep changes.
    changed["tuner"] |= {"enabled": False}
    try:
        return PipelineConfig.model_validate(changed)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        raise ConfigurationError(f"{key}: {problem['input']!r} is not allowed: {problem['msg']}.") from error
