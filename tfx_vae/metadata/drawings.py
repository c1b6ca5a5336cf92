"""Prints a lineage: as a tree, or in the languages of Mermaid and Graphviz."""

import json
from typing import Any, Final

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from tfx_vae.metadata.lineage import Kind, Lineage, Node
from tfx_vae.metadata.printing import describe_size

_STYLES = {Kind.ARTIFACT: "bold", Kind.EXECUTION: "cyan", Kind.DATASET: "green", Kind.CONFIGURATION: "green"}


def print_lineage(lineage: Lineage, console: Console) -> None:
    """Prints a tree for each start of the lineage; a node is unfolded only the first time."""
    shown: set[str] = set()
    for key in lineage.start:
        tree = Tree(_label(lineage.nodes[key], ""), guide_style="dim")
        _grow(tree, lineage, key, shown)
        console.print(tree)


def _grow(tree: Tree, lineage: Lineage, key: str, shown: set[str]) -> None:
    """Iteratively: a chain of a hundred baselines is deeper than Python recurses."""
    waiting = [(tree, key)]
    while waiting:
        branch, current = waiting.pop()
        if current in shown:
            if lineage.steps[current]:
                branch.add(Text("(see above)", "dim"))
            continue
        shown.add(current)
        for line in _details(lineage.nodes[current]):
            branch.add(line)
        grown = [(branch.add(_label(node, edge.channel)), node.key) for edge, node in lineage.steps[current]]
        # The last is taken first: what is shown above must be unfolded there.
        waiting += reversed(grown)


def _label(node: Node, channel: str) -> Text:
    named = node.kind in (Kind.ARTIFACT, Kind.EXECUTION) and channel
    return Text.assemble((f"{channel}: " if named else "", "dim"), (node.label, _STYLES[node.kind]))


def _details(node: Node) -> list[Text]:
    match node.kind:
        case Kind.ARTIFACT:
            return [Text(node.details["uri"], "dim", overflow="fold")]
        case Kind.DATASET:
            return _dataset(node.details)
        case Kind.CONFIGURATION:
            return [Text.assemble((f"{section} ", "bold"), _settings(values)) for section, values in node.details.items()]
    return []


def _dataset(details: Any) -> list[Text]:
    lines = [Text(f"splits {json.dumps(details.get('splits'))}")]
    for source in details.get("sources") or []:
        lines.append(Text(f"{source['path']}  {describe_size(source['size'])}", overflow="fold"))
    if not details.get("sources"):
        lines += [Text(path, overflow="fold") for path in details.get("records", [])]
    return [*lines, Text(f"digest of the records {details.get('content_digest', '')}", "dim")]


def _settings(values: Any) -> str:
    return " ".join(f"{name}={json.dumps(value)}" for name, value in values.items())


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
