"""How metrics are shown to a person: what they are called, in what unit, what they mean, and which way is better."""

from enum import StrEnum
from typing import Final, NamedTuple

from components.features import EXAMPLE_COUNT, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS, SQUARED_ERROR


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
    EXAMPLE_COUNT: Description("images", "", Better.NEITHER, "how many were evaluated"),
}


def describe(metric: str) -> Description:
    """What is known about a metric; its own name and nothing else, if nothing is."""
    return _KNOWN.get(metric, Description(metric.replace("_", " "), "", Better.NEITHER, ""))


def in_order(metrics: set[str]) -> list[str]:
    """The best known first, then all others by their names; the number of examples is no metric and left out."""
    known = [name for name in _KNOWN if name in metrics and name != EXAMPLE_COUNT]
    return [*known, *sorted(metrics - set(_KNOWN))]
