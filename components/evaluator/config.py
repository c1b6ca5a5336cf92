"""Settings of the metrics, slices and thresholds."""

import difflib
from operator import attrgetter
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from components.artifacts.features import NEGATIVE_ELBO
from components.artifacts.metrics import CATALOGUE, describe, is_known
from components.artifacts.spans import Window
from components.settings import Section


def _is_in_the_catalogue(name: str) -> str:
    if not is_known(name):
        close = difflib.get_close_matches(name, [metric.name for metric in CATALOGUE], n=1, cutoff=0.4)
        raise ValueError(f"must be a metric of docs/metrics.md; did you mean {close[0] if close else NEGATIVE_ELBO}?")
    return name


MetricName = Annotated[str, AfterValidator(_is_in_the_catalogue)]


class Threshold(Section):
    """The limits of one metric; a model is blessed if all of them hold."""

    lower: float | None = None
    """The metric must be at least this."""

    upper: float | None = None
    """The metric must be at most this."""

    worsening: float | None = Field(default=None, ge=0)
    """The metric may be at most this much worse than for the champion: higher or, if higher is better, lower."""

    standard_errors: float | None = Field(default=None, ge=0)
    """The metric may be worse than for the champion by this many standard errors of the paired difference, in addition to
    `worsening`, which is 0 if it is left out. Only for a metric that each image has a value of."""

    @model_validator(mode="after")
    def _is_satisfiable(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower ({self.lower:g}) must not be above upper ({self.upper:g})")
        return self


class ImportanceWeightedConfig(Section):
    """The importance-weighted bound on -log p(x), `iw_nll` (Burda et al., 2016). Not for an autoencoder."""

    enabled: bool = True
    """Compute it."""

    samples: int = Field(default=64, ge=1, le=1_000_000)
    """Number of codes drawn for each image, K. Published results use 5000."""

    images: PositiveInt = 1_000
    """Maximum number of images to compute it for: always the same images, chosen by a hash of their bytes. The time is
    proportional to images * samples."""


class LatentSpaceConfig(Section):
    """Metrics of the codes of many images together.

    They are `mutual_information`, `marginal_kl`, `latent_gaussianity` and, if images have labels, `latent_probe_accuracy`.
    """

    enabled: bool = True
    """Compute them."""

    images: int = Field(default=10_000, ge=2)
    """Maximum number of images: always the same images, chosen by a hash of their bytes. The time is proportional to the square
    of this number, and the mutual information is at most its logarithm."""


class FrechetDistanceConfig(Section):
    """Metrics of samples beside the same number of test images: `frechet_distance` (Heusel et al., 2017), `density`, `coverage`
    (Naeem et al., 2020) and `data_copying` (Meehan et al., 2020).

    They use the features of a small classifier, which FeatureClassifier trains if images have labels.
    """

    enabled: bool = True
    """Train the classifier and compute the metrics."""

    images: int = Field(default=10_000, ge=2)
    """Maximum number of images to compare: always the same images, chosen by a hash of their bytes. `data_copying` uses at most
    2,000 of them. Figures for different numbers of images are not comparable."""


def _default_thresholds() -> dict[str, Threshold]:
    return {"negative_elbo": Threshold(worsening=1.0)}


class EvaluatorConfig(Section):
    """Metrics, slices and thresholds; docs/metrics.md describes the metrics."""

    test_window: Window = "latest"
    """The spans whose test split a model is judged on, candidate and champion alike: `latest`, `all` or `{last: 7}`. See
    `data.window`."""

    slice_by_label: bool = True
    """Also compute the metrics for each label, if the dataset has labels."""

    binarized: bool = True
    """Also compute the losses of binarised images, `binarized/...`, which published results use. Only for a
    Bernoulli likelihood."""

    importance_weighted: ImportanceWeightedConfig = ImportanceWeightedConfig()

    latent_space: LatentSpaceConfig = LatentSpaceConfig()

    frechet_distance: FrechetDistanceConfig = FrechetDistanceConfig()

    thresholds: dict[MetricName, Threshold] = Field(default_factory=_default_thresholds, min_length=1)
    """Limits of metrics over the test split: `lower`, `upper`, and `worsening`, how much worse the metric may be than for the
    champion: `{negative_elbo: {upper: 110, worsening: 0.5}, ssim: {lower: 0.9}}`. `standard_errors: 2` beside `worsening`
    allows two standard errors of the paired difference in addition: what the choice of the test images explains."""

    @model_validator(mode="after")
    def _limits_what_is_measured(self) -> Self:
        for name in self.thresholds:
            for key, is_on in self._switches(name).items():
                if not is_on:
                    raise ValueError(f"evaluator.thresholds limits {name}, which evaluator.{key}=false leaves out")
        return self

    @model_validator(mode="after")
    def _has_differences_to_measure(self) -> Self:
        for name, threshold in self.thresholds.items():
            if threshold.standard_errors is not None and not describe(name).is_mean_over_images:
                raise ValueError(
                    f"evaluator.thresholds.{name}.standard_errors: {name} is not a mean over images; use worsening"
                )
        return self

    def measures(self, name: str) -> bool:
        """Whether a metric is switched on; it is computed if the model and the data have it."""
        return all(self._switches(name).values())

    def _switches(self, name: str) -> dict[str, bool]:
        return {switch: attrgetter(switch)(self) for switch in describe(name).switches}
