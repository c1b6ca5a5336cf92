"""How metrics are shown to a person: what they are called, in what unit, what they mean, and which way is better."""

from enum import StrEnum
from typing import Final, NamedTuple

from components.artifacts.features import EXAMPLE_COUNT, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS, SQUARED_ERROR


class Better(StrEnum):
    """Which way a metric should go."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = ""


class Description(NamedTuple):
    """What is written about a metric."""

    title: str
    unit: str
    better: Better
    meaning: str


_KNOWN: Final = {
    NEGATIVE_ELBO: Description(
        "negative ELBO",
        "nats",
        Better.LOWER,
        "reconstruction loss plus KL divergence: a bound on how many nats the model needs to describe an image",
    ),
    RECONSTRUCTION_LOSS: Description(
        "reconstruction loss", "nats", Better.LOWER, "what is lost between an image and its reconstruction"
    ),
    KL_DIVERGENCE: Description(
        "KL divergence",
        "nats",
        Better.NEITHER,
        "how much the codes say about their image; near 0 the model ignores them, and an autoencoder has none",
    ),
    SQUARED_ERROR: Description(
        "squared error", "pixels²", Better.LOWER, "summed over the pixels of an image, black 0, white 1"
    ),
    "iw_nll": Description(
        "importance-weighted NLL",
        "nats",
        Better.LOWER,
        "a tighter bound on the cost of an image than the negative ELBO (Burda et al., 2016)",
    ),
    "active_units": Description(
        "active units", "", Better.NEITHER, "latent dimensions whose posterior mean varies with the image (Burda et al., 2016)"
    ),
    "mutual_information": Description(
        "mutual information",
        "nats",
        Better.NEITHER,
        "the part of the KL divergence by which codes tell images apart (Hoffman & Johnson, 2016)",
    ),
    "marginal_kl": Description(
        "marginal KL",
        "nats",
        Better.LOWER,
        "the other part: how far all codes together are from the prior (Hoffman & Johnson, 2016)",
    ),
    "latent_probe_accuracy": Description(
        "latent probe accuracy", "", Better.HIGHER, "how often a simple classifier finds the label from the code alone"
    ),
    "latent_gaussianity": Description(
        "latent gaussianity", "MMD²", Better.LOWER, "how far the codes are from the prior: near 0 they are Gaussian"
    ),
    "ssim": Description("SSIM", "", Better.HIGHER, "how alike images and reconstructions look, at most 1 (Wang et al., 2004)"),
    "frechet_distance": Description(
        "Fréchet distance", "", Better.LOWER, "between samples and test images, in the features of a small classifier"
    ),
    EXAMPLE_COUNT: Description("images", "", Better.NEITHER, "how many were evaluated"),
}
# Has a figure of its own.
_SHOWN_ELSEWHERE: Final = "kl_per_dimension"


def describe(metric: str) -> Description:
    """What is known about a metric, also under a longer name such as `binarized/iw_nll`; else its own name and no more."""
    if metric in _KNOWN:
        return _KNOWN[metric]
    for name, known in _KNOWN.items():
        before, found, after = metric.partition(name)
        if found and (before == "" or before.endswith(("_", "/"))) and (after == "" or after.startswith(("_", "/"))):
            return known._replace(title=f"{known.title} ({_words(f'{before} {after}')})")
    return Description(_words(metric), "", Better.NEITHER, "")


def in_order(metrics: set[str]) -> list[str]:
    """The best known first, then all others by their names; without the number of examples, which is no metric."""
    known = [name for name in _KNOWN if name in metrics and name != EXAMPLE_COUNT]
    others = sorted(name for name in metrics - set(_KNOWN) if not name.startswith(_SHOWN_ELSEWHERE))
    return [*known, *others]


def _words(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("/", " ").split())
