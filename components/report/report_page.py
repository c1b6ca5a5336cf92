"""The page of one run: its heading and its sections."""

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.artifacts.evaluation import Evaluation
from components.artifacts.features import BITS_PER_DIMENSION, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from components.artifacts.metrics import describe
from components.models.latent_space import is_active
from components.report.drift import drift_section
from components.report.findings import Findings
from components.report.latent_space import latent_section
from components.report.numbers import data_section, making_section, metrics_section, number, training_section
from components.report.page import Page, Section, Tile
from components.report.pictures import interpolations_section, reconstructions_section, samples_section
from components.report.tuning import tuning_section

SECTIONS: Final[tuple[Callable[[Findings], Section | None], ...]] = (
    reconstructions_section,
    samples_section,
    interpolations_section,
    latent_section,
    metrics_section,
    training_section,
    tuning_section,
    data_section,
    drift_section,
    making_section,
)


def report_page(findings: Findings, sections: Sequence[Section]) -> Page:
    """Makes the page from its heading and its sections."""
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
    """A description of the model in words, with an article.

    Args:
      has_posterior: Whether the model is variational.
      configuration: The section `model` of its configuration, as far as it is known.
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
        f"{data.dataset or 'a dataset'}. It encodes an image of {height} by {width} pixels as {model.latent_dim} numbers, and "
        "decodes such a code into an image."
    )


def verdict_sentences(evaluation: Evaluation, refusal: str) -> list[str]:
    """Whether the model is served, and why not.

    Args:
      evaluation: The Evaluator's metrics and verdict.
      refusal: Why the model failed the check before pushing; empty if it did not.
    """
    limits = "; ".join(f"{describe(name).title} {bounds}" for name, bounds in evaluation.thresholds.items())
    if evaluation.blessed:
        kept = f"all thresholds hold ({limits or 'every loss is finite'})."
        if not refusal:
            return [f"It was blessed, so it can be served: {kept}"]
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
        tiles.append(Tile("negative ELBO", _nats(metrics.get(NEGATIVE_ELBO)), "upper bound on -log p(x): lower is better"))
    tiles.append(
        Tile(
            "reconstruction loss",
            _nats(metrics.get(RECONSTRUCTION_LOSS)),
            "difference between images and reconstructions: lower is better",
        )
    )
    if findings.model.has_posterior:
        meaning = "how much a code says about its image: should not be near 0"
        tiles.append(Tile("KL divergence", _nats(metrics.get(KL_DIVERGENCE)), meaning))
        active = int(is_active(codes.mean.var(axis=0)).sum())
        tiles.append(Tile("active dimensions", f"{active} of {codes.mean.shape[1]}", "the others say nothing about the image"))
    if (bits := metrics.get(BITS_PER_DIMENSION)) is not None:
        tiles.append(Tile("bits per dimension", number(bits, 2), describe(BITS_PER_DIMENSION).meaning))
    tiles += _yardsticks(findings)
    return tiles


def _yardsticks(findings: Findings) -> list[Tile]:
    """The losses of two reference answers: the mean image for every image, and a perfect copy."""
    if findings.provenance.model.get("likelihood") != "bernoulli":
        return []
    nothing, everything = _bernoulli_limits(findings)
    return [
        Tile("mean image", _nats(nothing), "for comparison: the loss if every reconstruction is the mean of all images"),
        Tile(
            "perfect copy",
            _nats(everything),
            "for comparison: the lowest possible loss; it is above 0 because pixels can be grey",
        ),
    ]


def _bernoulli_limits(findings: Findings) -> tuple[float, float]:
    """Nats per image: the cross-entropy of the mean image, and the entropy of the pixels themselves."""
    count, total, entropy = len(findings.test), np.zeros(findings.test.model_input.shape), 0.0
    for start in range(0, count, 1000):
        pixels = findings.test.pixels(range(start, min(start + 1000, count))).astype(np.float64)
        total = total + pixels.sum(axis=0)
        entropy += float(_entropy(pixels).sum())
    mean_image: NDArray[np.float64] = total / count
    return float(_entropy(mean_image).sum()), entropy / count


def _entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy of a Bernoulli variable in nats."""
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-inside * np.log(inside) - (1 - inside) * np.log(1 - inside))


def _nats(value: float | None) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{number(value, 1)} nats"
