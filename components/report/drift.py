"""The section that compares new images with those that the champion was trained on."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from components.artifacts.drift import DriftSummary, Measure
from components.artifacts.drift_verdict import DriftArrays
from components.report.figures import class_balance, image_grid, two_distributions
from components.report.findings import Findings
from components.report.page import Block, Cell, Figure, Note, Section, Table

_TITLE: Final = "Drift"
_KNOWN, _NEW = "champion's images", "new images"
_MEANINGS: Final = {
    "labels": ("labels", "largest change of the share of a label"),
    "brightness": ("brightness", "mean of the pixels of an image; Kolmogorov-Smirnov, 0 to 1"),
    "contrast": ("contrast", "standard deviation of the pixels of an image; Kolmogorov-Smirnov, 0 to 1"),
    "constant": ("single colour", "change of the share of images of a single colour"),
    "score": ("score", "the champion's negative ELBO of an image; Kolmogorov-Smirnov, 0 to 1"),
    "codes": ("codes", "the champion's codes; squared maximum mean discrepancy, Gaussian kernel"),
}


def drift_section(findings: Findings) -> Section:
    """The measures, both distributions of scores and of labels, and the strangest new images."""
    drift, arrays = findings.drift, findings.drift_arrays
    if drift is None:
        return Section("drift", _TITLE, "Left out: drift.enabled is false.", [])
    if arrays is None:
        return Section("drift", _TITLE, f"Nothing was compared: {drift.reason}.", [])
    blocks: list[Block] = [_measures(drift), _scores(arrays)]
    if drift.known_labels and drift.new_labels:
        blocks.append(_labels(drift, findings))
    else:
        blocks.append(Note("There is no comparison of labels: the images have none."))
    blocks.append(_strangest(arrays))
    return Section(
        "drift",
        _TITLE,
        f"{drift.new_images:,} new test images against {drift.known_images:,} test images of the data that the champion "
        f"(model {drift.champion}) was trained on. {_verdict(drift.measures)}",
        blocks,
    )


def _verdict(measures: Sequence[Measure]) -> str:
    drifted = [_MEANINGS[measure.name][0] for measure in measures if measure.drifted]
    return f"They have drifted: {', '.join(drifted)}." if drifted else "They have not drifted."


def _measures(drift: DriftSummary) -> Table:
    rows = [
        [
            Cell(_MEANINGS[measure.name][0], note=_MEANINGS[measure.name][1]),
            Cell(f"{measure.statistic:.3g}"),
            Cell(f"{measure.limit:g}"),
            Cell(f"{measure.p_value:.2g}"),
            Cell("drifted", tone="bad") if measure.drifted else Cell("no drift", tone="good"),
        ]
        for measure in drift.measures
    ]
    caption = f"Drift is a difference above its limit with a p-value below {drift.level:.2g}"
    return Table(caption, ["measure", "difference", "limit", "p-value", "verdict"], rows)


def _scores(arrays: DriftArrays) -> Figure:
    medians = [f"{np.median(scores):,.1f}" for scores in (arrays.known_scores, arrays.new_scores)]
    return Figure(
        "drift-scores",
        two_distributions({_KNOWN: arrays.known_scores, _NEW: arrays.new_scores}, "champion's negative ELBO [nats]"),
        "How the champion scores both: the negative ELBO of each image. The further to the right, the less an image is like "
        f"those that the champion was trained on. The medians are {' and '.join(medians)} nats.",
        f"Two histograms of the champion's negative ELBO; the medians are {' and '.join(medians)} nats.",
    )


def _labels(drift: DriftSummary, findings: Findings) -> Figure:
    def named(counts: Mapping[int, int]) -> dict[str, int]:
        return {findings.data.label_name(label): count for label, count in counts.items()}

    return Figure(
        "drift-labels",
        class_balance({_KNOWN: named(drift.known_labels), _NEW: named(drift.new_labels)}),
        "The share of each label on both sides. The dotted line is the share if all labels were equally frequent.",
        "Bars: the share of each label among the champion's images and among the new ones.",
    )


def _strangest(arrays: DriftArrays) -> Figure:
    order = np.sort(arrays.new_scores)[::-1][: len(arrays.strangest)]
    return Figure(
        "drift-strangest",
        image_grid(
            np.stack([arrays.strangest, arrays.decoded]),
            row_labels=["image", "decoded"],
        ),
        f"The {len(order)} new images that the champion finds strangest, the strangest on the left ({order[0]:,.0f} to "
        f"{order[-1]:,.0f} nats), and below each the champion's reconstruction. If there is no drift, they are unusual or "
        "badly drawn; if there is, they show what changed.",
        f"The {len(order)} new images with the highest scores, each above its reconstruction by the champion.",
    )
