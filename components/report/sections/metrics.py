"""What the Evaluator measured."""

import math
from collections.abc import Mapping, Sequence

from components.artifacts.features import EXAMPLE_COUNT
from components.artifacts.metrics import Better, describe, in_order
from components.report.findings import Findings
from components.report.page import Block, Cell, Note, Section, Table


def metrics_section(findings: Findings) -> Section:
    """Every metric, overall and by label, beside that of the latest blessed model."""
    evaluation = findings.evaluation
    count = evaluation.metrics.get(EXAMPLE_COUNT)
    blocks: list[Block] = [_overall(findings)]
    if evaluation.metrics_by_label:
        blocks.append(_by_label(findings))
    else:
        blocks.append(Note("There are no metrics by label: the examples have no label, or evaluator.slice_by_label is false."))
    before = (
        f"beside the latest blessed model, which {_run_name(findings.provenance.baseline_run)} trained"
        if evaluation.baseline
        else "without another model beside them, for none was blessed before"
    )
    return Section(
        "metrics",
        "Metrics",
        f"Means over {'the' if count is None else f'{count:,.0f}'} test images, {before}. A nat is 1.44 bits.",
        blocks,
    )


def _run_name(run: str) -> str:
    return f"run {run}" if run else "an earlier run"


def _overall(findings: Findings) -> Table:
    evaluation = findings.evaluation
    rows = []
    for name in in_order(set(evaluation.metrics)):
        about = describe(name)
        value, before = evaluation.metrics[name], evaluation.baseline.get(name)
        rows.append(
            [
                Cell(about.title, note=about.meaning),
                Cell(about.unit),
                Cell(number(value)),
                Cell("none" if before is None else number(before)),
                difference(name, value, before),
                Cell(evaluation.thresholds.get(name, "")),
            ]
        )
    columns = ["metric", "unit", "this model", "latest blessed", "difference", "must be"]
    return Table("Over the whole test split", columns, rows, texts=2)


def _by_label(findings: Findings) -> Table:
    evaluation = findings.evaluation
    names = in_order({name for metrics in evaluation.metrics_by_label.values() for name in metrics})
    units = [describe(name).unit for name in names]
    columns = [describe(name).title + (f", {unit}" if unit else "") for name, unit in zip(names, units, strict=True)]
    rows = [
        _label_row(label, metrics, evaluation.baseline_by_label.get(label, {}), names)
        for label, metrics in evaluation.metrics_by_label.items()
    ]
    caption = "By label" + ("; below each value, its difference from the latest blessed model's" if evaluation.baseline else "")
    return Table(caption, ["label", "images", *columns], rows)


def _label_row(label: int, metrics: Mapping[str, float], before: Mapping[str, float], names: Sequence[str]) -> list[Cell]:
    cells = []
    for name in names:
        value = metrics.get(name, math.nan)
        change = difference(name, value, before.get(name))
        cells.append(Cell(number(value), note=change.text, tone=change.tone))
    return [Cell(str(label)), Cell(number(metrics.get(EXAMPLE_COUNT, math.nan), decimals=0)), *cells]


def difference(metric: str, value: float, before: float | None) -> Cell:
    """How much a value is above another, in the colour of whether that is better; empty if there is no other."""
    if before is None:
        return Cell("")
    change = value - before
    text = f"{change:+.2f}" if math.isfinite(change) else "not a number"
    better = describe(metric).better
    # What rounds to nothing is neither better nor worse.
    if better is Better.NEITHER or not math.isfinite(change) or abs(change) < 0.005:
        return Cell(text)
    return Cell(text, tone="good" if (change < 0) == (better is Better.LOWER) else "bad")


def number(value: float, decimals: int = 2) -> str:
    """A value as it is shown; small ones with as many digits as they need."""
    if not math.isfinite(value):
        return "not a number"
    if value and abs(value) < 0.1 and decimals:
        return f"{value:.2g}"
    return f"{value:,.{decimals}f}"
