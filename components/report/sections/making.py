"""How the model was made: what was asked for, what ran, and how long that took."""

from collections.abc import Mapping
from typing import Any

from components.report.findings import Findings
from components.report.page import Block, Cell, Note, Section, Table


def making_section(findings: Findings) -> Section:
    """Settings, durations and versions."""
    provenance = findings.provenance
    blocks: list[Block] = []
    if provenance.steps:
        rows = [[Cell(step.node), Cell(f"{step.seconds:,.1f}"), Cell(step.run)] for step in provenance.steps]
        total = sum(step.seconds for step in provenance.steps)
        rows.append([Cell("together"), Cell(f"{total:,.1f}"), Cell("")])
        caption = "What made this page's inputs, when it last did its work; what came out of the cache took no time again"
        blocks.append(Table(caption, ["component", "seconds", "in run"], rows, narrow=True))
    else:
        blocks.append(Note("Who made the inputs is left out: this page was not made by a pipeline with ML Metadata."))
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
    rows = [
        [Cell(f"{section}.{key}"), Cell(_text(value))]
        for section, settings in sections.items()
        for key, value in settings.items()
    ]
    return Table("The settings of the model and of its training", ["setting", "value"], rows, texts=2, narrow=True)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
