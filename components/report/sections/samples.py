"""What the model draws by itself."""

import numpy as np
from numpy.typing import NDArray

from components.report.figures.image_grid import image_grid
from components.report.findings import Findings
from components.report.latent_space import manifold
from components.report.page import Block, Figure, Note, Section

_COLUMNS = 10


def samples_section(findings: Findings) -> Section:
    """Samples from the prior; the manifold, where the latent space is a plane."""
    blocks: list[Block] = [samples_figure(findings), _real(findings)]
    if findings.model.latent_dim == 2:
        blocks.append(_manifold(findings))
    else:
        blocks.append(
            Note(f"The manifold is left out: only a latent space of 2 dimensions can be laid out flat, and this one has "
                 f"{findings.model.latent_dim}.")
        )  # fmt: skip
    return Section(
        "samples",
        "Samples",
        "Images that nobody wrote: codes drawn at random, and what the decoder makes of them."
        if findings.model.has_posterior
        else "Images that nobody wrote. An autoencoder has no prior to draw codes from: they are drawn from a "
        "Gaussian fitted to its "
        "training codes.",
        blocks,
    )


def samples_figure(findings: Findings, prefix: str = "") -> Figure:
    """A sheet of images drawn from the prior."""
    count, seed = findings.config.samples, findings.config.seed
    return Figure(
        f"{prefix}samples",
        image_grid(_sheet(findings.model.generate(count, seed))),
        f"{count} samples, not selected. The more of them could be taken for images of the dataset, the better the model.",
        f"{count} images drawn by the model.",
    )


def _real(findings: Findings) -> Figure:
    """As many real images: without them nobody can say how good the samples are."""
    count = min(findings.config.samples, len(findings.test))
    return Figure(
        "real-images",
        image_grid(_sheet(findings.test.pixels(range(count)))),
        f"For comparison, the first {count} test images.",
        f"{count} images of the test split.",
    )


def _sheet(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images in rows, the last of which may be filled up with nothing."""
    columns = min(_COLUMNS, len(images))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * columns, *images.shape[1:]), np.nan, np.float32)
    sheet[: len(images)] = images
    return sheet.reshape(rows, columns, *images.shape[1:])


def _manifold(findings: Findings) -> Figure:
    steps = findings.config.manifold_steps
    return Figure(
        "manifold",
        image_grid(manifold(findings.model, findings.codes, steps)),
        f"The whole latent space at a glance: what the decoder makes of {steps} by {steps} codes, in equal "
        "steps of probability "
        "(Kingma & Welling, 2014, figure 4). Neighbours should change into each other without a break.",
        f"{steps} rows of {steps} images that change gradually from each to its neighbours.",
    )
