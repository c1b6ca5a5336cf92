"""What lies between two images."""

import numpy as np

from components.report.choices import pairs
from components.report.figures.image_grid import image_grid
from components.report.findings import Findings
from components.report.latent_space import interpolate
from components.report.page import Figure, Section

_TITLE = "Interpolations"


def interpolations_section(findings: Findings) -> Section:
    """Linear and spherical ways between pairs of test images."""
    chosen = pairs(findings.test, findings.config.interpolation_labels)
    if not chosen:
        return Section("interpolations", _TITLE, "Left out: no pair of images was asked for, or there are too few.", [])
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
                "Along the straight line between the two codes. In many dimensions its middle is shorter than "
                "any code of an image.",
                "Along the arc between the two codes, which keeps their length (slerp; White, 2016).",
            ),
            strict=True,
        )
    ]
    return Section(
        "interpolations",
        _TITLE,
        "From one test image (outermost left) to another (outermost right), through what the decoder makes of "
        "the codes between "
        "theirs. In a good latent space every step is an image by itself; in a poor one two images fade into each other.",
        figures,
    )


def pair_name(findings: Findings, pair: tuple[int, int]) -> str:
    """Of a row: the labels, or nothing where there are none."""
    labels = findings.test.labels
    return "" if labels is None else f"{labels[pair[0]]} → {labels[pair[1]]}"
