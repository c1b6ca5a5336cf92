"""The page of one run: its heading, and which sections it has."""

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.artifacts.evaluation import Evaluation
from components.artifacts.features import KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from components.artifacts.metrics import describe
from components.models.latent_space import ACTIVE_VARIANCE
from components.report.findings import Findings
from components.report.latent_space import latent_section
from components.report.numbers import data_section, making_section, metrics_section, number, training_section
from components.report.page import Page, Section, Tile
from components.report.pictures import interpolations_section, reconstructions_section, samples_section

SECTIONS: Final[tuple[Callable[[Findings], Section], ...]] = (
    reconstructions_section,
    samples_section,
    interpolations_section,
    latent_section,
    metrics_section,
    training_section,
    data_section,
    making_section,
)


def report_page(findings: Findings, sections: Sequence[Section]) -> Page:
    """Puts the heading above the sections."""
    evaluation = findings.evaluation
    served = evaluation.blessed and not findings.refusal
    return Page(
        title=findings.pipeline or "Model report",
        badge="blessed" if served else "not servable" if evaluation.blessed else "not blessed",
        badge_tone="good" if served else "bad",
        summary=[_what(findings), *verdict_sentences(evaluation, findings.refusal), _origin(findings)],
        tiles=_tiles(findings),
        sections=sections,
    )


def model_name(has_posterior: bool, configuration: Mapping[str, Any]) -> str:
    """What kind of model it is, as a person would say it, with its article.

    Args:
      has_posterior: Whether it is variational.
      configuration: The section `model` of the configuration that it was trained by, as far as it is known.
    """
    kind = "a variational autoencoder" if has_posterior else "an autoencoder"
    adjectives = {"dense": "dense", "conv": "convolutional"}
    encoder = adjectives.get(str(configuration.get("network")))
    decoder = adjectives.get(str(configuration.get("decoder_network")), encoder)
    return f"{kind} with a {encoder} encoder and a {decoder} decoder" if encoder else kind


def _what(findings: Findings) -> str:
    data, model = findings.data, findings.model
    count = len(findings.training.epochs) if findings.training else 0
    epochs = f" in {count} epoch{'' if count == 1 else 's'}" if count else ""
    height, width, _ = model.image_shape
    name = model_name(model.has_posterior, findings.provenance.model)
    return (
        f"{name[0].upper()}{name[1:]}, trained{epochs} on {data.splits.get('train', 0):,} images of "
        f"{data.dataset or 'a dataset'}. It turns an image of {height} by {width} pixels into a code of "
        f"{model.latent_dim} numbers, "
        "and a code into an image."
    )


def verdict_sentences(evaluation: Evaluation, refusal: str) -> list[str]:
    """Whether the model is served, and why not.

    Args:
      evaluation: What the Evaluator found.
      refusal: Why the model failed the check before pushing; empty if it did not.
    """
    limits = "; ".join(f"{describe(name).title} {bounds}" for name, bounds in evaluation.thresholds.items())
    if evaluation.blessed:
        kept = f"it kept every threshold ({limits or 'every loss is finite'})."
        if not refusal:
            return [f"It was blessed, which means that it may be served: {kept}"]
        return [f"It was blessed: {kept}", f"It failed the check before pushing, so it is not served: {refusal}."]
    reasons = "; ".join(evaluation.reasons)
    sentences = [f"It was not blessed, so it is not served: {reasons}." + (f" The thresholds: {limits}." if limits else "")]
    return [*sentences, f"It failed the check before pushing, too: {refusal}."] if refusal else sentences


def _origin(findings: Findings) -> str:
    provenance = findings.provenance
    trained, evaluated = provenance.run_of("Trainer"), provenance.run_of("Evaluator")
    runs = f"Trained in run {trained}" if trained else "Trained in an unknown run"
    if evaluated and evaluated != trained:
        runs += f", evaluated in run {evaluated}"
    return f"{runs}. Page by tfx-vae {version('tfx-vae')}."


def _tiles(findings: Findings) -> list[Tile]:
    metrics, codes = findings.evaluation.metrics, findings.codes
    tiles = []
    if findings.model.has_posterior:
        tiles.append(
            Tile("negative ELBO", _nats(metrics.get(NEGATIVE_ELBO)), "bounds what an image costs to describe: lower is better")
        )
    tiles.append(
        Tile(
            "reconstruction loss", _nats(metrics.get(RECONSTRUCTION_LOSS)), "lost on the way through the code: lower is better"
        )
    )
    if findings.model.has_posterior:
        tiles.append(Tile("KL divergence", _nats(metrics.get(KL_DIVERGENCE)), "what a code says about its image: not near 0"))
        active = int((codes.mean.var(axis=0) > ACTIVE_VARIANCE).sum())
        tiles.append(Tile("active dimensions", f"{active} of {codes.mean.shape[1]}", "the others carry nothing"))
    tiles += _yardsticks(findings)
    return tiles


def _yardsticks(findings: Findings) -> list[Tile]:
    """How far a model can get that knows nothing, and one that knows everything, in the likelihood that it was trained with."""
    if findings.provenance.model.get("likelihood") != "bernoulli":
        return []
    nothing, everything = _bernoulli_limits(findings)
    return [
        Tile("mean image", _nats(nothing), "for comparison: the loss of answering every image with the mean of all"),
        Tile(
            "perfect copy",
            _nats(everything),
            "for comparison: the least loss there is, as pixels between black and white are never certain",
        ),
    ]


def _bernoulli_limits(findings: Findings) -> tuple[float, float]:
    """Nats per image: the cross-entropy of the mean image, and the entropy of the pixels themselves."""
    count, total, entropy = len(findings.test), np.zeros(findings.test.shape), 0.0
    for start in range(0, count, 1000):
        pixels = findings.test.pixels(range(start, min(start + 1000, count))).astype(np.float64)
        total = total + pixels.sum(axis=0)
        entropy += float(_entropy(pixels).sum())
    mean_image: NDArray[np.float64] = total / count
    return float(_entropy(mean_image).sum()), entropy / count


def _entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nats of a Bernoulli variable."""
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-inside * np.log(inside) - (1 - inside) * np.log(1 - inside))


def _nats(value: float | None) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{number(value, 1)} nats"
