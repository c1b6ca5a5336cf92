"""What is measured, and when a model is good enough."""

import difflib
from operator import attrgetter
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from components.artifacts.features import NEGATIVE_ELBO
from components.artifacts.metrics import CATALOGUE, describe, is_known
from components.settings import Section


def _is_in_the_catalogue(name: str) -> str:
    if not is_known(name):
        close = difflib.get_close_matches(name, [metric.name for metric in CATALOGUE], n=1, cutoff=0.4)
        raise ValueError(f"must be a metric of docs/metrics.md; did you mean {close[0] if close else NEGATIVE_ELBO}?")
    return name


MetricName = Annotated[str, AfterValidator(_is_in_the_catalogue)]


class Threshold(Section):
    """What one metric must be for a model to be blessed."""

    lower: float | None = None
    """The metric must be at least this."""

    upper: float | None = None
    """The metric must be at most this."""

    worsening: float | None = Field(default=None, ge=0)
    """The metric may be at most this much worse than that of the latest blessed model: higher or, where higher is better,
    lower."""

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower ({self.lower:g}) must not be above upper ({self.upper:g})")
        return self


class ImportanceWeightedConfig(Section):
    """The importance-weighted bound on -log p(x), `iw_nll` (Burda et al., 2016); an autoencoder has none."""

    enabled: bool = True
    """Compute it."""

    samples: int = Field(default=64, ge=1, le=1_000_000)
    """Codes drawn for each image, K. Published figures have 5000."""

    images: PositiveInt = 1_000
    """Images to compute it for, at most: always the same, chosen by a hash of their bytes. Time grows with images * samples.
    """


class LatentSpaceConfig(Section):
    """Metrics of the codes of many images together.

    They are `mutual_information`, `marginal_kl`, `latent_gaussianity` and, where images have labels, `latent_probe_accuracy`.
    """

    enabled: bool = True
    """Compute them."""

    images: int = Field(default=10_000, ge=2)
    """Images to look at, at most: always the same, chosen by a hash of their bytes. Time grows with the square of this, and the
    mutual information is at most its logarithm."""


class FrechetDistanceConfig(Section):
    """The Fréchet distance between test images and as many samples of the prior, `frechet_distance` (Heusel et al., 2017).

    It is measured in the features of a small classifier, which FeatureClassifier trains where images have labels.
    """

    enabled: bool = True
    """Train the classifier, and compute it."""

    images: int = Field(default=10_000, ge=2)
    """Images to compare, at most: always the same, chosen by a hash of their bytes. Figures for others do not compare."""


def _default_thresholds() -> dict[str, Threshold]:
    return {"negative_elbo": Threshold(worsening=1.0)}


class EvaluatorConfig(Section):
    """Metrics, slices and thresholds; docs/metrics.md says what each metric is."""

    slice_by_label: bool = True
    """Metrics for each label too, where the dataset has one."""

    binarized: bool = True
    """Losses of binarised images beside those of grey ones, `binarized/...`: what published figures are about. A Gaussian
    likelihood has none."""

    importance_weighted: ImportanceWeightedConfig = ImportanceWeightedConfig()

    latent_space: LatentSpaceConfig = LatentSpaceConfig()

    frechet_distance: FrechetDistanceConfig = FrechetDistanceConfig()

    thresholds: dict[MetricName, Threshold] = Field(default_factory=_default_thresholds, min_length=1)
    """For any metric, any of `lower` and `upper`, between which it must be over the test split, and `worsening`, how much worse
    it may be than the latest blessed model's: `{negative_elbo: {upper: 110, worsening: 0.5}, ssim: {lower: 0.9}}`."""

    @model_validator(mode="after")
    def _limits_what_is_measured(self) -> Self:
        for name in self.thresholds:
            for key, is_on in self._switches(name).items():
                if not is_on:
                    raise ValueError(f"evaluator.thresholds limits {name}, which evaluator.{key}=false leaves out")
        return self

    def measures(self, name: str) -> bool:
        """Whether a metric is computed, if the model and the data have it."""
        return all(self._switches(name).values())

    def _switches(self, name: str) -> dict[str, bool]:
        return {switch: attrgetter(switch)(self) for switch in describe(name).switches}
