"""The sections that show numbers: metrics, training, data, and how the report's inputs were made."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.artifacts.evaluation import Difference, Evaluation
from components.artifacts.features import EXAMPLE_COUNT, KL_DIVERGENCE, RECONSTRUCTION_LOSS
from components.artifacts.history import History
from components.artifacts.images import Images
from components.artifacts.metrics import FRECHET_DISTANCE, Better, describe, in_order
from components.report.figures import class_balance, image_grid, learning_rate_curve, loss_curve
from components.report.findings import Findings
from components.report.page import Block, Cell, Figure, Note, Section, Table
from components.report.pictures import sheet

_TRAINING = "Training"

_ABOUT_SAMPLES = (
    " Fréchet distance, density, coverage and data copying are about samples: compare them only with figures of the same "
    "classifier and number of images."
)

_LABELS_BESIDE = 10

_GRID_COLUMNS = 12

_GRID_ROWS = 12


def metrics_section(findings: Findings) -> Section:
    """Every metric, overall and by label, and the value of the champion."""
    evaluation = findings.evaluation
    count = evaluation.metrics.get(EXAMPLE_COUNT)
    blocks: list[Block] = [all_metrics(evaluation)]
    if evaluation.metrics_by_label:
        blocks += metrics_by_label(evaluation, findings.data.label_name)
    else:
        blocks.append(Note("There are no metrics by label: the examples have no label, or evaluator.slice_by_label is false."))
    before = (
        f"compared with the champion, which {_run_name(findings.provenance.baseline_run)} trained{_decided(findings)}"
        if evaluation.baseline
        else "without a comparison, because there is no champion yet"
    )
    return Section(
        "metrics",
        "Metrics",
        f"Means over {'the' if count is None else f'{count:,.0f}'} test images, {before}. A nat is 1.44 bits."
        + (_ABOUT_SAMPLES if FRECHET_DISTANCE in evaluation.metrics else ""),
        blocks,
    )


def _decided(findings: Findings) -> str:
    decision = findings.provenance.baseline_decision
    return f" and a person chose ({decision})" if decision else ""


def _run_name(run: str) -> str:
    return f"run {run}" if run else "an earlier run"


def all_metrics(evaluation: Evaluation) -> Table:
    """A row for each metric; without a champion or thresholds there are no columns of them."""
    rows = []
    for name in in_order(set(evaluation.metrics)):
        about = describe(name)
        value, before = evaluation.metrics[name], evaluation.baseline.get(name)
        row = [Cell(about.title, note=about.meaning), Cell(about.unit), Cell(measured(name, value))]
        if evaluation.baseline:
            change = _with_error(difference(name, value, before), evaluation.differences.get(name))
            row += [Cell("none" if before is None else measured(name, before)), change]
        if evaluation.thresholds:
            row.append(Cell(evaluation.thresholds.get(name, "")))
        rows.append(row)
    columns = ["metric", "unit", "this model"]
    columns += ["champion", "difference ± standard error"] if evaluation.baseline else []
    columns += ["must be"] if evaluation.thresholds else []
    return Table("Over the whole test split", columns, rows, texts=2)


def metrics_by_label(evaluation: Evaluation, name_of: Callable[[int], str]) -> Iterator[Table]:
    """A row for each metric and a column for each label; of many labels several tables, each as wide as a page."""
    labels = list(evaluation.metrics_by_label)
    names = in_order({name for metrics in evaluation.metrics_by_label.values() for name in metrics})
    note = "; below each value is the difference from the champion" if evaluation.baseline else ""
    for start in range(0, len(labels), _LABELS_BESIDE):
        beside = labels[start : start + _LABELS_BESIDE]
        counts = [evaluation.metrics_by_label[label].get(EXAMPLE_COUNT, math.nan) for label in beside]
        rows = [[Cell("images"), *(Cell(number(count, decimals=0)) for count in counts)]]
        rows += [_by_label(evaluation, name, beside) for name in names]
        part = f", {start + 1} to {start + len(beside)} of {len(labels)}" if len(labels) > _LABELS_BESIDE else ""
        yield Table(f"By label{part}{note}", ["label", *map(name_of, beside)], rows)


def _by_label(evaluation: Evaluation, name: str, labels: Sequence[int]) -> list[Cell]:
    about = describe(name)
    cells = [Cell(f"{about.title}, {about.unit}" if about.unit else about.title)]
    for label in labels:
        value = evaluation.metrics_by_label[label].get(name, math.nan)
        change = difference(name, value, evaluation.baseline_by_label.get(label, {}).get(name))
        cells.append(Cell(measured(name, value), note=change.text, tone=change.tone))
    return cells


def difference(metric: str, value: float, before: float | None) -> Cell:
    """A value minus another, coloured by whether the change is better; empty if there is no other value."""
    if before is None:
        return Cell("")
    change = value - before
    about = describe(metric)
    text = f"{change:+.{min(2, about.decimals)}f}" if math.isfinite(change) else "not a number"
    # A difference that is shown as 0 is neither better nor worse.
    if about.better is Better.NEITHER or not math.isfinite(change) or abs(change) < 0.005:
        return Cell(text)
    return Cell(text, tone="good" if (change < 0) == (about.better is Better.LOWER) else "bad")


def _with_error(cell: Cell, found: Difference | None) -> Cell:
    """The difference with the standard error of the paired difference, for a metric that each image has a value of."""
    if found is None or not math.isfinite(found.standard_error) or not math.isfinite(found.mean):
        return cell
    return Cell(str(found), tone=cell.tone)


def measured(metric: str, value: float) -> str:
    """The value of a metric as text: a count has no decimals."""
    return number(value, decimals=min(2, describe(metric).decimals))


def number(value: float, decimals: int = 2) -> str:
    """A value as text; small values get two significant digits."""
    if not math.isfinite(value):
        return "not a number"
    if value and abs(value) < 0.1 and decimals:
        return f"{value:.2g}"
    return f"{value:,.{decimals}f}"


def training_section(findings: Findings) -> Section:
    """Loss, reconstruction, KL divergence and learning rate by epoch."""
    training = findings.training
    if training is None or training.best is None:
        return Section("training", _TRAINING, "Left out: the model has no history.json of its training.", [])
    epochs = len(training.epochs)
    told = findings.provenance.trainer
    with_prior = told.get("prior_epochs", 0)
    asked = told.get("epochs", 0) + with_prior
    stopped = f" of at most {asked}" if asked and asked != epochs else ""
    last = f"In the last {with_prior} the losses are those with the fitted prior, before with N(0, I). " if with_prior else ""
    return Section(
        "training",
        _TRAINING,
        f"{epochs} epoch{'' if epochs == 1 else 's'}{stopped} in {training.seconds:,.0f} seconds. The exported weights "
        f"come from the epoch with the lowest eval loss, epoch {training.best.epoch}. {last}"
        "Of a long training, the upper curves leave the first losses out and the lower ones show all.",
        list(_curves(training, has_posterior=findings.model.has_posterior)),
    )


def _curves(training: History, has_posterior: bool) -> list[Block]:
    blocks: list[Block] = [
        _curve(
            training,
            "loss",
            "loss",
            "What training minimises. If eval rises while train still falls, the model overfits. A value of train is the mean "
            "over an epoch, while the weights change, so eval can be lower than train.",
        ),
        _curve(
            training,
            RECONSTRUCTION_LOSS,
            "reconstruction loss",
            "The difference between an image and its reconstruction; lower is more similar.",
        ),
    ]
    if has_posterior:
        blocks.append(
            _curve(
                training,
                KL_DIVERGENCE,
                "KL divergence",
                "How much the codes say about their image. It should stay well above 0; near 0 the decoder ignores the codes.",
            )
        )
    rates = [epoch.learning_rate for epoch in training.epochs]
    blocks.append(
        Figure(
            "learning-rate",
            learning_rate_curve(rates),
            "The learning rate at the end of each epoch.",
            f"A curve of the learning rate by epoch, from {rates[0]:.2g} to {rates[-1]:.2g}.",
        )
    )
    if not has_posterior:
        blocks.append(Note("There is no KL divergence: an autoencoder has no posterior."))
    return blocks


def _curve(training: History, loss: str, title: str, caption: str) -> Figure:
    curves = {"train": training.curve("train", loss), "eval": training.curve("eval", loss)}
    last = ", ".join(f"{split} ends at {values[-1]:.2f}" for split, values in curves.items())
    return Figure(
        f"training-{loss.replace('_', '-')}",
        loss_curve(curves, None if training.best is None else training.best.epoch, title),
        caption,
        f"Curves of the {title} by epoch in nats per image: {last}.",
    )


def data_section(findings: Findings) -> Section:
    """A sheet of training images, the number of images of each label, and the result of the validation."""
    data = findings.data
    height, width, channels = findings.model.image_shape
    counts = ", ".join(f"{count:,} {split}" for split, count in data.splits.items())
    colours = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    return Section(
        "data",
        "Data",
        f"{data.dataset or 'The dataset'}: {colours} images of {height} by {width} pixels; {counts}. "
        "Train fits the model, eval controls the training, and only the evaluation and this report use test.",
        [*_data_figures(findings), *_pixels(findings), _validation(findings)],
    )


def _data_figures(findings: Findings) -> list[Block]:
    train = findings.train
    indices = sheet(train, _GRID_COLUMNS)[:_GRID_ROWS]
    labels = [findings.data.label_name(label) for label in train.label_names()][:_GRID_ROWS]
    blocks: list[Block] = [
        Figure(
            "data-sheet",
            image_grid(_grid(train, indices), row_labels=labels),
            "Training images" + (": the first ones of each label." if labels else ": the first ones."),
            f"{len(indices)} rows of {_GRID_COLUMNS} training images" + (", one row for each label." if labels else "."),
        )
    ]
    if findings.data.label_counts:
        blocks.append(
            Figure(
                "class-balance",
                class_balance(findings.data.label_counts),
                "The share of each label in each split. The dotted line is the share if all labels were equally frequent. If "
                "the bars of a label have different heights, the splits have different distributions.",
                "Bars: the share of each label in each split.",
            )
        )
    else:
        blocks.append(Note("There is no class balance: the examples have no label."))
    return blocks


def _pixels(findings: Findings) -> list[Table]:
    rows = [
        [
            Cell(split),
            Cell(f"{seen.mean:.1f}"),
            Cell(f"{seen.standard_deviation:.1f}"),
            Cell(f"{seen.minimum} to {seen.maximum}"),
            Cell(f"{seen.constant:,}"),
            Cell(f"{seen.repeated:,}"),
            Cell(f"{sum(seen.shared.values()):,}"),
        ]
        for split, seen in findings.data.pixels.items()
    ]
    columns = ["split", "mean", "spread", "range", "of a single colour", "repeated", "in another split"]
    return [Table("Pixels of the images that were read last, 0 to 255, and how many stand out", columns, rows)] if rows else []


def _validation(findings: Findings) -> Note:
    anomalies, warnings = findings.data.anomalies, findings.data.image_warnings
    schema = "the data does not agree with the schema, and data.allow_anomalies accepted it: " + "; ".join(anomalies)
    images = f" About the images: {'; '.join(warnings)}." if warnings else ""
    return Note(f"Validation: {schema if anomalies else 'every split agrees with the schema'}.{images}")


def _grid(images: Images, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    flat = indices.ravel()
    pixels = np.full((len(flat), *images.model_input.shape), np.nan, np.float32)
    pixels[flat >= 0] = images.pixels(flat[flat >= 0])
    return pixels.reshape(*indices.shape, *images.model_input.shape)


def making_section(findings: Findings) -> Section:
    """Settings, durations and versions."""
    provenance = findings.provenance
    blocks: list[Block] = []
    if provenance.steps:
        rows = [[Cell(step.node), Cell(f"{step.seconds:,.1f}"), Cell(step.run)] for step in provenance.steps]
        total = sum(step.seconds for step in provenance.steps)
        rows.append([Cell("total"), Cell(f"{total:,.1f}"), Cell("")])
        caption = "Time of each component's last actual run; cache hits are not counted"
        blocks.append(Table(caption, ["component", "seconds", "in run"], rows, narrow=True))
    else:
        blocks.append(Note("There are no durations: this page was made without ML Metadata."))
    if provenance.model or provenance.trainer:
        blocks.append(_settings({"model": provenance.model, "trainer": provenance.trainer}))
    versions = [f"TensorFlow {findings.model.tensorflow_version}"]
    if provenance.tfx_version:
        versions.append(f"TFX {provenance.tfx_version}")
    return Section(
        "making",
        "How it was made",
        f"The model was written by {' and '.join(versions)}. It has {findings.model.weights:,} weights.",
        blocks,
    )


def _settings(sections: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [[Cell(name), Cell(text)] for name, text in setting_texts(sections).items()]
    return Table("The settings of the model and of its training", ["setting", "value"], rows, texts=2, narrow=True)


def setting_texts(sections: Mapping[str, Any]) -> dict[str, str]:
    """Settings by dotted key, as one writes them in a configuration."""
    texts: dict[str, str] = {}
    for key, value in sections.items():
        if isinstance(value, Mapping):
            texts |= {f"{key}.{name}": text for name, text in setting_texts(value).items()}
        else:
            texts[key] = _text(value)
    return texts


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value)
