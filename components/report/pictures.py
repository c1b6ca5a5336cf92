"""The sections that show images: reconstructions, samples and interpolations. Chooses which test images they show."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.artifacts.features import RECONSTRUCTION_LOSS
from components.artifacts.images import Images
from components.report.figures import image_grid
from components.report.findings import Findings
from components.report.latent_space import interpolate, manifold
from components.report.page import Block, Figure, Note, Section
from components.report.realism import realism

_COLUMNS = 10

_MOST_LABELS = 12

_SAMPLE_COLUMNS = 10

_TITLE = "Interpolations"


def sheet(images: Images, columns: int) -> NDArray[np.int64]:
    """The first images of each label, one row for each label; without labels, the first images.

    Returns:
      Indices [rows, columns]; -1 if a label has fewer images.
    """
    labels = images.label_names()
    if not labels:
        rows = min(8, -(-len(images) // columns))
        return _filled(np.arange(min(len(images), rows * columns)), rows * columns).reshape(rows, columns)
    return np.stack([_filled(images.of_label(label), columns) for label in labels])


def one_of_each(images: Images, count: int) -> NDArray[np.int64]:
    """The first image of each label, then the second of each, until there are enough; without labels, the first images."""
    by_label = [list(images.of_label(label)) for label in images.label_names()]
    turns = max((len(group) for group in by_label), default=0)
    chosen = [group[turn] for turn in range(min(turns, count)) for group in by_label if turn < len(group)]
    return np.array(chosen[:count] or range(min(count, len(images))), np.int64)


def best_and_worst(images: Images, losses: NDArray[np.float32], columns: int) -> tuple[list[int], NDArray[np.int64]]:
    """The images with the lowest and the highest loss: of each label or, without labels, of all images.

    Returns:
      Labels of the columns, empty without labels; indices [2, columns], the best above the worst.
    """
    labels = images.label_names()
    if not labels:
        order = np.argsort(losses, kind="stable")
        count = min(columns, len(order))
        return [], np.stack([order[:count], order[::-1][:count]])
    members = [images.of_label(label) for label in labels]
    best = [group[np.argmin(losses[group])] for group in members]
    worst = [group[np.argmax(losses[group])] for group in members]
    return labels, np.array([best, worst])


def pairs(images: Images, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Images to interpolate between: the first image of each label; if a label has none, the next two images.

    Returns:
      Indices of starts and ends; fewer than wanted if there are not enough images.
    """
    chosen = []
    for number, (start, end) in enumerate(wanted):
        starts, ends = images.of_label(start), images.of_label(end)
        if len(starts) and len(ends):
            chosen.append((int(starts[0]), int(ends[-1] if start == end else ends[0])))
        elif 2 * number + 1 < len(images):
            chosen.append((2 * number, 2 * number + 1))
    return chosen


def _filled(indices: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate([indices[:length], np.full(max(0, length - len(indices)), -1)])


def reconstructions_section(findings: Findings) -> Section:
    """Test images above their reconstructions; the best and the worst of each label."""
    return Section(
        "reconstructions",
        "Reconstructions",
        f"The encoder turns each image into {findings.model.latent_dim} numbers, its code; the decoder draws it again from the "
        "code only. Training did not use these images.",
        [_first(findings), _extremes(findings)],
    )


def _first(findings: Findings) -> Figure:
    test = findings.test
    chosen = one_of_each(test, 2 * _COLUMNS)
    columns = min(_COLUMNS, len(chosen))
    chosen = chosen[: len(chosen) // columns * columns]
    images = test.pixels(chosen)
    back = findings.model.reconstruct(images)
    rows = []
    for start in range(0, len(chosen), columns):
        rows += [images[start : start + columns], back[start : start + columns]]
    return Figure(
        "reconstructions",
        image_grid(np.stack(rows), row_labels=["image", "decoded"] * (len(rows) // 2), gap_after=range(1, len(rows), 2)),
        "Test images, and below each its reconstruction. They should look the same"
        + ("; a VAE's are a little smoother, because they average probable images." if findings.model.has_posterior else "."),
        f"{len(chosen)} test images, each above its reconstruction.",
    )


def _extremes(findings: Findings) -> Figure:
    test = findings.test
    losses = findings.losses[RECONSTRUCTION_LOSS]
    labels, chosen = best_and_worst(test, losses, _COLUMNS)
    names = [findings.data.label_name(label) for label in labels[:_MOST_LABELS]]
    chosen = chosen[:, :_MOST_LABELS]
    images = [test.pixels(row) for row in chosen]
    rows = np.stack([rows for pixels in images for rows in (pixels, findings.model.reconstruct(pixels))])
    best, worst = float(losses[chosen[0]].min()), float(losses[chosen[1]].max())
    labelled = test.labels is not None
    return Figure(
        "best-and-worst",
        image_grid(rows, row_labels=["best", "decoded", "worst", "decoded"], column_labels=names, gap_after=[1]),
        (
            "The image of each label with the lowest and the one with the highest reconstruction loss"
            if labelled
            else "The images with the lowest and those with the highest reconstruction loss"
        )
        + f" among {len(test):,} test images, from {best:.0f} to {worst:.0f} nats. Images with large bright areas have a "
        f"higher loss; other images among the worst are unusual{' or have a wrong label' if labelled else ''}.",
        f"The best and the worst test images{' of each label' if labelled else ''}, each above its reconstruction.",
    )


def samples_section(findings: Findings) -> Section:
    """Samples from the prior, and the manifold if the latent size is 2."""
    blocks: list[Block] = [samples_figure(findings), _real(findings), *realism(findings)]
    if findings.model.latent_dim == 2:
        blocks.append(_manifold(findings))
    else:
        blocks.append(
            Note(f"The manifold is left out: it needs a latent size of 2, and this model has {findings.model.latent_dim}.")
        )
    return Section(
        "samples",
        "Samples",
        "Images that the decoder makes from random codes of the prior."
        if findings.model.has_posterior
        else "Images that the decoder makes from random codes. Training gives an autoencoder no prior: the codes are drawn "
        "from a distribution fitted to its training codes.",
        blocks,
    )


def samples_figure(findings: Findings, prefix: str = "") -> Figure:
    """A sheet of images sampled from the prior."""
    count, seed = findings.config.samples, findings.config.seed
    return Figure(
        f"{prefix}samples",
        image_grid(_sheet(findings.model.generate(count, seed))),
        f"{count} samples, not selected. The more of them look like images of the dataset, the better the model.",
        f"{count} images drawn by the model.",
    )


def _real(findings: Findings) -> Figure:
    """The same number of real images, to compare the samples with."""
    count = min(findings.config.samples, len(findings.test))
    return Figure(
        "real-images",
        image_grid(_sheet(findings.test.pixels(range(count)))),
        f"For comparison, the first {count} test images.",
        f"{count} images of the test split.",
    )


def _sheet(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images in rows; empty places of the last row are NaN."""
    columns = min(_SAMPLE_COLUMNS, len(images))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * columns, *images.shape[1:]), np.nan, np.float32)
    sheet[: len(images)] = images
    return sheet.reshape(rows, columns, *images.shape[1:])


def _manifold(findings: Findings) -> Figure:
    steps = findings.config.manifold_steps
    return Figure(
        "manifold",
        image_grid(manifold(findings.model, steps)),
        f"The latent space over the range of the prior: {steps} by {steps} codes, in equal steps of probability, decoded "
        "(Kingma & Welling, 2014, figure 4). Neighbours should change into each other gradually.",
        f"{steps} rows of {steps} images; each is similar to its neighbours.",
    )


def interpolations_section(findings: Findings) -> Section:
    """Linear and spherical interpolations between pairs of test images."""
    chosen = pairs(findings.test, findings.config.interpolation_labels)
    if not chosen:
        reason = "Left out: report.interpolation_labels is empty, or there are too few images."
        return Section("interpolations", _TITLE, reason, [])
    starts, ends = (findings.test.pixels([pair[end] for pair in chosen]) for end in (0, 1))
    ways = interpolate(findings.model, starts, ends, findings.config.interpolation_steps)
    names = [pair_name(findings, pair) for pair in chosen] if findings.test.labels is not None else []
    figures = [
        Figure(
            f"interpolations-{way}",
            image_grid(np.concatenate([starts[:, np.newaxis], images, ends[:, np.newaxis]], axis=1), row_labels=names),
            caption,
            f"{len(chosen)} rows of images that change from one test image into another.",
        )
        for way, images, caption in zip(
            ("linear", "spherical"),
            ways,
            (
                "Along the straight line between the two codes. In many dimensions the codes in the middle are shorter than "
                "the code of any image.",
                "Along the arc between the two codes, which preserves their length (slerp; White, 2016).",
            ),
            strict=True,
        )
    ]
    return Section(
        "interpolations",
        _TITLE,
        "From one test image (far left) to another (far right): the decoder draws codes between their codes. In a good "
        "latent space every step looks like an image of the dataset; in a poor one, one image fades into the other.",
        figures,
    )


def pair_name(findings: Findings, pair: tuple[int, int]) -> str:
    """The name of a row: the two labels; empty without labels."""
    labels = findings.test.labels
    return "" if labels is None else " → ".join(findings.data.label_name(int(labels[index])) for index in pair)
