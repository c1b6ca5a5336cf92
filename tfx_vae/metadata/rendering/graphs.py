"""`tfx-vae lineage` in the languages of Mermaid and of Graphviz."""

import json
from typing import Final

from tfx_vae.metadata.questions.lineage import Kind, Lineage

_MERMAID_SHAPES: Final = {
    Kind.ARTIFACT: ("[", "]"),
    Kind.EXECUTION: ("([", "])"),
    Kind.DATASET: ("[(", ")]"),
    Kind.CONFIGURATION: ("[/", "/]"),
}
_DOT_SHAPES: Final = {
    Kind.ARTIFACT: "box",
    Kind.EXECUTION: "ellipse",
    Kind.DATASET: "cylinder",
    Kind.CONFIGURATION: "note",
}


def as_mermaid(lineage: Lineage) -> str:
    """A flow chart for Markdown on GitHub and elsewhere; https://mermaid.js.org/syntax/flowchart.html."""
    lines = ["flowchart LR"]
    for node in lineage.nodes.values():
        before, after = _MERMAID_SHAPES[node.kind]
        lines.append(f"  {node.key}{before}{_mermaid_text(node.label)}{after}")
    for edge in lineage.edges:
        lines.append(f"  {edge.source} -->|{_mermaid_text(edge.channel)}| {edge.target}")
    return "\n".join(lines)


def as_dot(lineage: Lineage) -> str:
    """A directed graph for `dot -Tsvg`; https://graphviz.org/doc/info/lang.html."""
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for node in lineage.nodes.values():
        lines.append(f"  {json.dumps(node.key)} [label={_dot_text(node.label)}, shape={_DOT_SHAPES[node.kind]}];")
    for edge in lineage.edges:
        lines.append(f"  {json.dumps(edge.source)} -> {json.dumps(edge.target)} [label={_dot_text(edge.channel)}];")
    return "\n".join([*lines, "}"])


def _mermaid_text(text: str) -> str:
    escaped = text.replace("#", "#35;").replace('"', "#quot;")
    return f'"{escaped}"'


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
