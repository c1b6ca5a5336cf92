"""`tfx-vae lineage` as a tree for a person."""

import json
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from tfx_vae.metadata.questions.lineage import Kind, Lineage, Node
from tfx_vae.metadata.rendering.words import describe_size

_STYLES = {Kind.ARTIFACT: "bold", Kind.EXECUTION: "cyan", Kind.DATASET: "green", Kind.CONFIGURATION: "green"}


def print_lineage(lineage: Lineage, console: Console) -> None:
    """Prints a tree for each artifact that was asked about; what stands in it already is not unfolded again."""
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
