"""The parts of a comparison: each figure has both models in it, or there is one for each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.artifacts.metrics import describe, in_order
from components.report.choices import one_of_each, pairs
from components.report.figures.image_grid import image_grid
from components.report.latent_space import interpolate
from components.report.page import Block, Cell, Figure, Note, Section, Table
from components.report.sections.interpolations import pair_name
from components.report.sections.latent import beside_prior_figure, projections
from components.report.sections.metrics import difference, number
from components.report.sections.samples import samples_figure
from tfx_vae.compare.pair import Pair

_COLUMNS = 10


def metrics_section(pair: Pair) -> Section:
    """Both columns of metrics."""
    first, second = (findings.evaluation.metrics for findings in pair.findings)
    rows = []
    for name in in_order(set(first) | set(second)):
        about = describe(name)
        values = [metrics.get(name) for metrics in (first, second)]
        cells = [Cell("none" if value is None else number(value)) for value in values]
        # Without the colours of better and worse: what an AE and a VAE minimise is not the same.
        change = difference(name, second[name], first.get(name)).text if name in second else ""
        rows.append([Cell(about.title, note=about.meaning), Cell(about.unit), *cells, Cell(change)])
    columns = ["metric", "unit", *pair.names, "second minus first"]
    same = "" if pair.have_same_data else " The two runs have different data, so their metrics cannot be laid side by side."
    return Section(
        "metrics",
        "Metrics",
        f"Means over the test split, as the evaluation of each run found them.{same}",
        [Table("Over the whole test split", columns, rows, texts=2), *_what_they_mean(pair)],
    )


def _what_they_mean(pair: Pair) -> list[Block]:
    if all(findings.model.has_posterior == pair.findings[0].model.has_posterior for findings in pair.findings):
        return []
    return [
        Note(
            "An autoencoder pays nothing for its codes, so its negative ELBO is its reconstruction loss alone and no bound on "
            "anything: it always looks better than a variational autoencoder's. Compare the reconstructions, and the samples."
        )
    ]


def reconstructions_section(pair: Pair) -> Section:
    """The same test images, reconstructed by each."""
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
        f"Test images, and below each what {pair.names[0]} and {pair.names[1]} make of its code.",
        f"{len(chosen)} test images, each above its two reconstructions.",
    )


def interpolations_section(pair: Pair) -> Section:
    """The same pairs of images, interpolated by each."""
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
        "From one test image (outermost left) to another (outermost right). Where every step is an image by itself, the latent "
        "space has no holes between the two; where two images fade into each other, it has.",
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
        f"Codes of the same test images: {pair.names[0]} on the left, or first; {pair.names[1]} on the right, or second.",
        [figure for row in zip(*columns, strict=True) for figure in row],
    )


def samples_section(pair: Pair) -> Section:
    """What both draw by themselves."""
    figures = [
        _named(name, samples_figure(findings, f"{place}-"))
        for place, name, findings in zip(("first", "second"), pair.names, pair.findings, strict=True)
    ]
    return Section(
        "samples",
        "Samples",
        "A variational autoencoder draws codes from its prior. An autoencoder has none: its codes are drawn from a Gaussian "
        "fitted to its training codes.",
        figures,
    )


def settings_section(pair: Pair) -> Section:
    """In which settings they differ."""
    settings = [_settings(findings.provenance.model, findings.provenance.trainer) for findings in pair.findings]
    names = list(dict.fromkeys(name for of_one in settings for name in of_one))
    rows = [
        [Cell(name), *(Cell(of_one.get(name, "not there")) for of_one in settings)]
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
        "The settings of model and training in which the two differ, and where they come from.",
        [Table("Settings", ["setting", *pair.names], rows, texts=3)],
    )


def _settings(model: dict[str, Any], trainer: dict[str, Any]) -> dict[str, str]:
    return {f"model.{key}": str(value) for key, value in model.items()} | {
        f"trainer.{key}": str(value) for key, value in trainer.items()
    }


def _named(name: str, figure: Figure) -> Figure:
    return Figure(figure.name, figure.png, f"{name}. {figure.caption}", f"{name}. {figure.alt}")
