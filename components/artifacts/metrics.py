"""The catalogue of metrics: the only place with the name, the meaning and the class of each metric.

Configuration, EvalConfig, summary, report, compare, sweep and docs/metrics.md read it. Imports nothing heavy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from components.artifacts.features import (
    BITS_PER_DIMENSION,
    EXAMPLE_COUNT,
    IW_NLL,
    KL_DIVERGENCE,
    KL_PER_DIMENSION,
    NEGATIVE_ELBO,
    RECONSTRUCTION_LOSS,
    SQUARED_ERROR,
    SSIM,
)

ACTIVE_UNITS: Final = "active_units"
COVERAGE: Final = "coverage"
DENSITY: Final = "density"
FRECHET_DISTANCE: Final = "frechet_distance"
KL_TO_STANDARD_NORMAL: Final = "kl_to_standard_normal"

BASELINE: Final = "baseline"
"""TFMA's name for the model that the candidate is compared with, here the champion."""

MEAN_DIFFERENCE: Final = "/difference"
STANDARD_ERROR: Final = "/standard_error"
"""Behind a metric's name: the mean over the images of candidate minus champion, and its standard error."""

WORSENING: Final = "/worsening"
"""Behind a metric's name: how much worse the candidate is than the champion, less a number of standard errors."""


class Better(StrEnum):
    """Which direction of a metric is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = ""


class Group(StrEnum):
    """The section of `evaluator` that configures the number of images and other parameters of a metric."""

    LOSSES = ""
    IMPORTANCE_WEIGHTED = "importance_weighted"
    LATENT_SPACE = "latent_space"
    FRECHET_DISTANCE = "frechet_distance"


@dataclass(frozen=True)
class Metric:
    """One metric of the test split.

    Attributes:
      name: Its key in the EvalConfig, in thresholds and in ML Metadata.
      title: Its name in pages.
      unit: `nats` are nats per image; empty for a number without a unit.
      better: The better direction. The `worsening` of a threshold is a decrease where higher is better, else an increase.
      meaning: One phrase for the report.
      formula: The definition, and its source, for docs/metrics.md.
      computed_by: The class, in `components/evaluator`.
      group: The section of `evaluator` with its parameters; also the switch, if it has one.
      by_label: Whether it is computed for each label too.
      is_main: Whether the summary of a run shows it.
      decimals: Decimals in the summary.
    """

    name: str
    title: str
    unit: str
    better: Better
    meaning: str
    formula: str
    computed_by: str = "MeanLoss"
    group: Group = Group.LOSSES
    by_label: bool = True
    is_main: bool = False
    decimals: int = 2

    @property
    def is_mean_over_images(self) -> bool:
        """Whether each image has a value, so that two models can be compared image by image."""
        return self.computed_by in ("MeanLoss", "ImportanceWeightedNll")

    @property
    def is_binarized(self) -> bool:
        """Whether it is about binary images, and switched on by `evaluator.binarized`."""
        return self.name.startswith(_BINARIZED)

    @property
    def switches(self) -> tuple[str, ...]:
        """The keys of the section `evaluator` that must be true for the metric to be computed."""
        binarized = ("binarized",) if self.is_binarized else ()
        return (*binarized, f"{self.group}.enabled") if self.group else binarized


_BINARIZED: Final = "binarized/"

_RECONSTRUCTION: Final = Metric(
    RECONSTRUCTION_LOSS,
    "reconstruction loss",
    "nats",
    Better.LOWER,
    "the difference between an image and its reconstruction",
    "−log p(x|z), z ~ q(z|x)",
    is_main=True,
)
_KL: Final = Metric(
    KL_DIVERGENCE,
    "KL divergence",
    "nats",
    Better.NEITHER,
    "how much the codes say about their image; near 0 the model ignores them; 0 for an autoencoder",
    "KL(q(z|x) ‖ p(z)) for the prior p(z) of the model: `kl_to_standard_normal`, plus log N(z; 0, I) − log p(z), z ~ q(z|x), "
    "if the prior is another; 0 for an autoencoder",
    is_main=True,
)
_ELBO: Final = Metric(
    NEGATIVE_ELBO,
    "negative ELBO",
    "nats",
    Better.LOWER,
    "reconstruction loss plus KL divergence: a bound on how many nats the model needs to describe an image",
    "`reconstruction_loss` + `kl_divergence`, for every β",
    is_main=True,
)
_IMPORTANCE_WEIGHTED: Final = Metric(
    IW_NLL,
    "importance-weighted NLL",
    "nats",
    Better.LOWER,
    "a tighter bound on the cost of an image than the negative ELBO (Burda et al., 2016)",
    "−log (1/K) Σₖ p(x|zₖ) p(zₖ) / q(zₖ|x), zₖ ~ q(z|x): a tighter bound on −log p(x) (Burda et al., 2016, eq. 8). "
    "Not for an autoencoder",
    "ImportanceWeightedNll",
    Group.IMPORTANCE_WEIGHTED,
    is_main=True,
)


def _of_binary_images(metric: Metric, is_main: bool = False) -> Metric:
    return Metric(
        _BINARIZED + metric.name,
        f"{metric.title} (binarized)",
        metric.unit,
        metric.better,
        metric.meaning,
        f"`{metric.name}` of binary images. Only for a Bernoulli likelihood",
        metric.computed_by,
        metric.group,
        is_main=is_main,
    )


CATALOGUE: Final[tuple[Metric, ...]] = (
    _RECONSTRUCTION,
    Metric(
        SQUARED_ERROR,
        "squared error",
        "pixels²",
        Better.LOWER,
        "summed over the pixels of an image, black 0, white 1",
        "Σ over pixels in [0, 1] of (x − E[x|z])²",
        is_main=True,
    ),
    _KL,
    Metric(
        KL_TO_STANDARD_NORMAL,
        "KL divergence from N(0, I)",
        "nats",
        Better.NEITHER,
        "what training weighs with β, unless it learns its prior; the KL divergence itself if the prior is N(0, I)",
        "½ Σ (σ² + μ² − 1 − log σ²), for every prior; 0 for an autoencoder (Kingma & Welling, 2014, appendix B)",
        "KlToStandardNormal",
    ),
    _ELBO,
    _IMPORTANCE_WEIGHTED,
    Metric(
        BITS_PER_DIMENSION,
        "bits per dimension",
        "bits",
        Better.LOWER,
        "a bound on the bits that a lossless code needs for each number of an image; images as they are need 8",
        "`negative_elbo` / (D ln 2), D = height · width · channels: a bound on −log₂ P(x) / D of images with 256 levels. "
        "Only for the likelihood `discretized_logistic`, not for an autoencoder",
        is_main=True,
        decimals=3,
    ),
    _of_binary_images(_RECONSTRUCTION),
    _of_binary_images(_KL),
    _of_binary_images(_ELBO),
    _of_binary_images(_IMPORTANCE_WEIGHTED, is_main=True),
    Metric(
        SSIM,
        "SSIM",
        "",
        Better.HIGHER,
        "how alike images and reconstructions look, at most 1 (Wang et al., 2004)",
        "structural similarity of an image and its reconstruction from μ (Wang et al., 2004, eq. 13), at most 1",
        decimals=3,
    ),
    Metric(
        ACTIVE_UNITS,
        "active units",
        "dimensions",
        # Fewer active units mean that the model uses less of its code; 0 is a collapsed posterior.
        Better.HIGHER,
        "latent dimensions whose posterior mean varies with the image (Burda et al., 2016)",
        "latent dimensions in which the variance of μ over images is above 0.01 (Burda et al., 2016, 5.2)",
        "ActiveUnits",
        is_main=True,
        decimals=0,
    ),
    Metric(
        "mutual_information",
        "mutual information",
        "nats",
        # As for active units: a lower value means that the code is used less.
        Better.HIGHER,
        "the part of the KL divergence that distinguishes images (Hoffman & Johnson, 2016)",
        "between an image and its code: mean of log q(z|x) − log q(z), with q(z) the mean posterior of the N images "
        "(Hoffman & Johnson, 2016); at most log N. Not for an autoencoder",
        "MutualInformation",
        Group.LATENT_SPACE,
    ),
    Metric(
        "marginal_kl",
        "marginal KL",
        "nats",
        Better.LOWER,
        "the other part: how far all codes together are from the prior (Hoffman & Johnson, 2016)",
        "KL(q(z) ‖ p(z)) = `kl_divergence` − `mutual_information`, up to the Monte Carlo error. Not for an autoencoder",
        "MarginalKl",
        Group.LATENT_SPACE,
    ),
    Metric(
        "latent_gaussianity",
        "latent gaussianity",
        "MMD²",
        Better.LOWER,
        "how far the codes are from N(0, I): near 0 they are Gaussian",
        "squared maximum mean discrepancy (Gretton et al., 2012, eq. 3) of codes and the standard normal, kernel "
        "exp(−|x−y|²/2L); 0 for codes like samples of N(0, I), negative by chance",
        "LatentGaussianity",
        Group.LATENT_SPACE,
    ),
    Metric(
        "latent_probe_accuracy/linear",
        "latent probe accuracy (linear)",
        "",
        Better.HIGHER,
        "how often a simple classifier finds the label from the code only",
        "share of labels found by logistic regression on standardised μ, fitted to half of the images and evaluated on the "
        "others. Needs labels",
        "LatentProbeAccuracy",
        Group.LATENT_SPACE,
        by_label=False,
        decimals=3,
    ),
    Metric(
        "latent_probe_accuracy/knn",
        "latent probe accuracy (knn)",
        "",
        Better.HIGHER,
        "how often a simple classifier finds the label from the code only",
        "the same, by the 5 nearest neighbours of μ as it is. Needs labels",
        "LatentProbeAccuracy",
        Group.LATENT_SPACE,
        by_label=False,
        is_main=True,
        decimals=3,
    ),
    Metric(
        FRECHET_DISTANCE,
        "Fréchet distance",
        "features²",
        Better.LOWER,
        "between samples and test images, in the features of a small classifier",
        "|m₁−m₂|² + tr(C₁ + C₂ − 2 (C₁C₂)^½) of test images and as many samples of the prior, in 64 features of a classifier "
        "(Heusel et al., 2017, eq. 6). Needs labels",
        "FrechetDistance",
        Group.FRECHET_DISTANCE,
        by_label=False,
        is_main=True,
    ),
    Metric(
        DENSITY,
        "density",
        "",
        Better.HIGHER,
        "whether samples look like test images: 1 is as often as test images look like each other, near 0 never",
        "samples near a test image, by the number to expect, 1: those in the ball around its features that reaches its fifth "
        "neighbour among test images (Naeem et al., 2020, eq. 6). Needs labels",
        "MeanOfCompared",
        Group.FRECHET_DISTANCE,
        decimals=3,
    ),
    Metric(
        COVERAGE,
        "coverage",
        "",
        Better.HIGHER,
        "the share of test images that a sample is like: low where kinds of images are never drawn",
        "share of test images with a sample in that ball (eq. 7); 0.969 if samples were test images. Needs labels",
        "MeanOfCompared",
        Group.FRECHET_DISTANCE,
        is_main=True,
        decimals=3,
    ),
    Metric(
        "data_copying",
        "data copying",
        "",
        # Above one half samples are too near to training images, below it too far.
        Better.NEITHER,
        "how often a sample is nearer to a training image than a test image is: 0.5 is ideal, 1 means copies",
        "share of pairs of a sample and a test image in which the sample's features are nearer to those of a training image "
        "(Meehan et al., 2020; Mann & Whitney's U): 0.5 is ideal, 1 means copies. Needs labels",
        "DataCopying",
        Group.FRECHET_DISTANCE,
        by_label=False,
        decimals=3,
    ),
)
"""Every metric that a threshold can limit, in the order of the report."""

PER_DIMENSION: Final = Metric(
    KL_PER_DIMENSION,
    "KL divergence per dimension",
    "nats",
    Better.NEITHER,
    "the KL divergence of each latent dimension from N(0, 1)",
    "the KL divergence of each latent dimension from N(0, 1); their sum is `kl_to_standard_normal`",
    "KlPerDimension",
)
"""Has a value for each latent dimension, so no threshold, and a figure instead of a row."""

_BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}


def is_known(name: str) -> bool:
    """Whether the catalogue has a metric of this name."""
    return name in _BY_NAME


def describe(name: str) -> Metric:
    """The catalogue's entry; for a metric that is not in it (e.g. of another version), an entry with only a name."""
    return _BY_NAME.get(name) or Metric(
        name, " ".join(name.replace("_", " ").replace("/", " ").split()), "", Better.NEITHER, "", ""
    )


def in_order(names: Iterable[str]) -> list[str]:
    """Names of metrics in the order of the catalogue, unknown ones last; without `example_count` and `kl_per_dimension`."""
    order = {metric.name: number for number, metric in enumerate(CATALOGUE)}
    shown = [name for name in names if name != EXAMPLE_COUNT and not name.startswith(KL_PER_DIMENSION)]
    return sorted(shown, key=lambda name: (order.get(name, len(order)), name))
