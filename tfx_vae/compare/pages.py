"""Makes the page of a comparison: each figure shows both models, or there is one figure for each.

Imports TensorFlow, so import it only when a page is made.
"""

from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.artifacts.metrics import describe, in_order
from components.report.config import ReportConfig
from components.report.figures import image_grid
from components.report.latent_space import beside_prior_figure, interpolate, projections
from components.report.numbers import difference, measured, setting_texts
from components.report.page import Cell, Figure, Page, Section, Table, write
from components.report.pictures import one_of_each, pair_name, pairs, samples_figure
from components.report.report_page import model_name
from pipelines.mlmd.location import Location
from tfx_vae.compare.pair import Pair, read_pair
from tfx_vae.compare.runs import ComparedRun

_COLUMNS = 10


def metrics_section(pair: Pair) -> Section:
    """The metrics of both models."""
    first, second = (findings.evaluation.metrics for findings in pair.findings)
    rows = []
    for name in in_order(set(first) | set(second)):
        about = describe(name)
        values = [metrics.get(name) for metrics in (first, second)]
        cells = [Cell("none" if value is None else measured(name, value)) for value in values]
        # Without colours for better and worse: an AE and a VAE minimise different objectives.
        change = difference(name, second[name], first.get(name)).text if name in second else ""
        rows.append([Cell(about.title, note=about.meaning), Cell(about.unit), *cells, Cell(change)])
    columns = ["metric", "unit", *pair.names, "second minus first"]
    return Section(
        "metrics",
        "Metrics",
        "Means over the test split, from the evaluation of each run.",
        [Table("Over the whole test split", columns, rows, texts=2)],
    )


def _warnings(pair: Pair) -> list[str]:
    """What the two runs' numbers cannot be compared in."""
    first, second = pair.findings
    warnings = [] if pair.have_same_data else ["The two runs have different data, so their metrics are not comparable."]
    likelihoods = [findings.provenance.model.get("likelihood") for findings in pair.findings]
    if likelihoods[0] != likelihoods[1]:
        warnings.append(
            f"The likelihoods differ ({likelihoods[0]} and {likelihoods[1]}), so neither losses nor bounds in nats are "
            "comparable. Compare SSIM, reconstructions and samples."
        )
    if first.model.has_posterior != second.model.has_posterior:
        warnings.append(
            "An autoencoder has no KL divergence, so its negative ELBO is only its reconstruction loss and not a bound on the "
            "likelihood: it always looks better than that of a variational autoencoder. Compare reconstructions and samples."
        )
    return warnings


def reconstructions_section(pair: Pair) -> Section:
    """The same test images, reconstructed by both models."""
    chosen = one_of_each(pair.findings[0].test, 2 * _COLUMNS)
    figures = [
        _reconstructions(pair, chosen[start : start + _COLUMNS], name)
        for start, name in ((0, "reconstructions"), (_COLUMNS, "more-reconstructions"))
        if start < len(chosen)
    ]
    return Section("reconstructions", "Reconstructions", "The same images, reconstructed by each model.", figures)


def _reconstructions(pair: Pair, chosen: NDArray[np.int64], name: str) -> Figure:
    images = pair.findings[0].test.pixels(chosen)
    rows = np.stack([images, *(findings.model.reconstruct(images) for findings in pair.findings)])
    return Figure(
        name,
        image_grid(rows, row_labels=["image", *pair.names]),
        f"Test images, and below each its reconstructions by {pair.names[0]} and {pair.names[1]}.",
        f"{len(chosen)} test images, each above its two reconstructions.",
    )


def interpolations_section(pair: Pair) -> Section:
    """The same pairs of images, interpolated by both models."""
    one = pair.findings[0]
    chosen = pairs(one.test, one.config.interpolation_labels)
    title = "Interpolations"
    if not chosen:
        return Section("interpolations", title, "Left out: there are too few images.", [])
    starts, ends = (one.test.pixels([ends[end] for ends in chosen]) for end in (0, 1))
    ways = [interpolate(findings.model, starts, ends, one.config.interpolation_steps) for findings in pair.findings]
    blocks = []
    for number_of_way, way in enumerate(("linear", "spherical")):
        # [pairs, models, steps + 2, ...]: the rows of one pair below each other.
        rows = np.stack(
            [np.concatenate([starts[:, None], of_model[number_of_way], ends[:, None]], axis=1) for of_model in ways], axis=1
        )
        blocks.append(
            Figure(
                f"interpolations-{way}",
                image_grid(
                    rows.reshape(-1, *rows.shape[2:]),
                    row_labels=list(pair.names) * len(chosen),
                    gap_after=range(1, 2 * len(chosen), 2),
                ),
                f"{', '.join(name for ends in chosen if (name := pair_name(one, ends)))}: "
                f"the {'straight line' if way == 'linear' else 'arc'} between the two codes of each model.",
                f"{len(chosen)} pairs of rows of images that change from one test image into another.",
            )
        )
    return Section(
        "interpolations",
        title,
        "From one test image (far left) to another (far right). If every step looks like an image of the dataset, the latent "
        "space has no holes between the two; if one image fades into the other, it has.",
        blocks,
    )


def latent_section(pair: Pair) -> Section:
    """Both latent spaces."""
    columns = [
        [
            _named(name, block)
            for block in [*projections(findings, f"{place}-"), beside_prior_figure(findings, f"{place}-")]
            if isinstance(block, Figure)
        ]
        for place, name, findings in zip(("first", "second"), pair.names, pair.findings, strict=True)
    ]
    return Section(
        "latent-space",
        "Latent space",
        f"Codes of the same test images: {pair.names[0]} on the left or first, {pair.names[1]} on the right or second.",
        [figure for row in zip_longest(*columns) for figure in row if figure],
    )


def samples_section(pair: Pair) -> Section:
    """Samples of both models."""
    figures = [
        _named(name, samples_figure(findings, f"{place}-"))
        for place, name, findings in zip(("first", "second"), pair.names, pair.findings, strict=True)
    ]
    return Section(
        "samples",
        "Samples",
        "A variational autoencoder draws codes from its prior. Training gives an autoencoder none: its codes are drawn from a "
        "distribution fitted to its training codes.",
        figures,
    )


def settings_section(pair: Pair) -> Section:
    """The settings in which the models differ."""
    settings = [
        setting_texts({"model": findings.provenance.model, "trainer": findings.provenance.trainer})
        for findings in pair.findings
    ]
    names = list(dict.fromkeys(name for of_one in settings for name in of_one))
    rows = [
        [Cell(name), *(Cell(of_one.get(name, "not set")) for of_one in settings)]
        for name in names
        if settings[0].get(name) != settings[1].get(name)
    ]
    for name, values in (
        ("run", pair.runs),
        ("dataset", tuple(findings.data.dataset for findings in pair.findings)),
        ("weights", tuple(f"{findings.model.weights:,}" for findings in pair.findings)),
    ):
        rows.append([Cell(name), *map(Cell, values)])
    return Section(
        "settings",
        "What differs",
        "The settings of model and training that differ, and the run, dataset and size of each model.",
        [Table("Settings", ["setting", *pair.names], rows, texts=3)],
    )


def _named(name: str, figure: Figure) -> Figure:
    return Figure(figure.name, figure.png, f"{name}. {figure.caption}", f"{name}. {figure.alt}")


def compare(location: Location, compared: tuple[ComparedRun, ComparedRun], config: ReportConfig, directory: Path) -> Path:
    """Writes a page with two runs side by side. Nothing is trained, and nothing is written to ML Metadata.

    Args:
      location: ML Metadata.
      compared: The runs.
      config: What to show.
      directory: Where to write the page and its figures.

    Returns:
      The path of the page.

    Raises:
      ConfigurationError: The models take images of different shapes.
    """
    return write(comparison_page(read_pair(location, compared, config)), directory)


def comparison_page(pair: Pair) -> Page:
    """The page of a comparison."""
    verdicts = [
        f"{name}: {model_name(findings.model.has_posterior, findings.provenance.model)}, "
        f"{findings.model.latent_dim} latent dimensions, "
        f"{'blessed' if findings.evaluation.blessed else 'not blessed'}, from run {run}."
        for name, run, findings in zip(pair.names, pair.runs, pair.findings, strict=True)
    ]
    return Page(
        title=f"{pair.names[0]} against {pair.names[1]}",
        summary=verdicts,
        warnings=_warnings(pair),
        sections=[
            section(pair)
            for section in (
                reconstructions_section,
                samples_section,
                interpolations_section,
                latent_section,
                metrics_section,
                settings_section,
            )
        ],
    )
