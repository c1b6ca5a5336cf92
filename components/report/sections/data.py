"""What the model was trained on."""

import numpy as np
from numpy.typing import NDArray

from components.artifacts.images import Images
from components.report.choices import sheet
from components.report.figures.class_balance import class_balance
from components.report.figures.image_grid import image_grid
from components.report.findings import Findings
from components.report.page import Block, Figure, Note, Section

_COLUMNS = 12
_ROWS_SHOWN = 12


def data_section(findings: Findings) -> Section:
    """A sheet of training images, how often each label occurs, and what validation found."""
    data = findings.data
    height, width, channels = findings.model.image_shape
    counts = ", ".join(f"{count:,} {split}" for split, count in data.splits.items())
    colours = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    return Section(
        "data",
        "Data",
        f"{data.dataset or 'The dataset'}: {colours} images of {height} by {width} pixels; {counts}. "
        "The train split fits the model, eval steers the training, test is looked at once, by the evaluation and this report.",
        [*_figures(findings), _validation(findings)],
    )


def _figures(findings: Findings) -> list[Block]:
    train = findings.train
    indices = sheet(train, _COLUMNS)[:_ROWS_SHOWN]
    labels = [str(label) for label in train.label_names()][:_ROWS_SHOWN]
    blocks: list[Block] = [
        Figure(
            "data-sheet",
            image_grid(_grid(train, indices), row_labels=labels),
            "Training images" + (", the first of each label." if labels else ", the first ones."),
            f"{len(indices)} rows of {_COLUMNS} training images" + (", one row for each label." if labels else "."),
        )
    ]
    if findings.data.label_counts:
        blocks.append(
            Figure(
                "class-balance",
                class_balance(findings.data.label_counts),
                "How often each label occurs in each split. On the dotted line all would occur equally often; "
                "the bars of a label "
                "should be equally high, or the splits are not alike.",
                "Bars: the share of each label in each split.",
            )
        )
    else:
        blocks.append(Note("There is no class balance: the examples have no label."))
    return blocks


def _validation(findings: Findings) -> Note:
    anomalies = findings.data.anomalies
    if not anomalies:
        return Note("Validation: every split is as the schema says it must be.")
    return Note(
        "Validation: the data is not what the schema says, and data.allow_anomalies let it pass: " + "; ".join(anomalies)
    )


def _grid(images: Images, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    flat = indices.ravel()
    pixels = np.full((len(flat), *images.shape), np.nan, np.float32)
    pixels[flat >= 0] = images.pixels(flat[flat >= 0])
    return pixels.reshape(*indices.shape, *images.shape)
