"""When a model is good enough."""

from typing import Literal, Self

from pydantic import Field, model_validator

from components.settings import Section

LossName = Literal["reconstruction_loss", "squared_error", "kl_divergence", "negative_elbo"]


class Threshold(Section):
    """What one metric must be for a model to be blessed."""

    lower: float | None = None
    """The metric must be at least this."""

    upper: float | None = None
    """The metric must be at most this."""

    worsening: float | None = Field(default=None, ge=0)
    """The metric may be at most this much higher than that of the latest blessed model."""

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower ({self.lower:g}) must not be above upper ({self.upper:g})")
        return self


def _default_thresholds() -> dict[LossName, Threshold]:
    return {"negative_elbo": Threshold(worsening=1.0)}


class EvaluatorConfig(Section):
    """Slices and thresholds."""

    slice_by_label: bool = True
    """Metrics for each label too, where the dataset has one."""

    thresholds: dict[LossName, Threshold] = Field(default_factory=_default_thresholds, min_length=1)
    """For `reconstruction_loss`, `squared_error`, `kl_divergence` and `negative_elbo`, each with any of `lower` and `upper`,
    between which the mean over the test split must be, and `worsening`, how far it may be above the latest blessed model's."""
