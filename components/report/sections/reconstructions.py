"""What comes back of an image that went through the code."""

import numpy as np

from components.artifacts.features import RECONSTRUCTION_LOSS
from components.report.choices import best_and_worst, one_of_each
from components.report.figures.image_grid import image_grid
from components.report.findings import Findings
from components.report.page import Figure, Section

_COLUMNS = 10
_MOST_LABELS = 12


def reconstructions_section(findings: Findings) -> Section:
    """Test images above their reconstructions; the best and the worst of each label."""
    return Section(
        "reconstructions",
        "Reconstructions",
        f"Each image is squeezed into {findings.model.latent_dim} numbers, its code, and drawn again from these alone. "
        "The model never saw these images before.",
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
        "Test images, and below each its reconstruction. They should be alike"
        + ("; a VAE's are a little smoother, for it draws what is probable." if findings.model.has_posterior else "."),
        f"{len(chosen)} test images, each above its reconstruction.",
    )


def _extremes(findings: Findings) -> Figure:
    test = findings.test
    losses = findings.losses[RECONSTRUCTION_LOSS]
    names, chosen = best_and_worst(test, losses, _COLUMNS)
    names, chosen = names[:_MOST_LABELS], chosen[:, :_MOST_LABELS]
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
        + f" among {len(test):,} test images, from {best:.0f} to {worst:.0f} nats. Large bright areas cost more; what else is "
        f"among the worst is unusual{', or perhaps labelled wrongly' if labelled else ''}.",
        f"The best and the worst test images{' of each label' if labelled else ''}, each above its reconstruction.",
    )
