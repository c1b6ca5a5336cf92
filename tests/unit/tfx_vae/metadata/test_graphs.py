"""Lineage in the languages of Mermaid and Graphviz."""

from tfx_vae.metadata.questions.lineage import Edge, Kind, Lineage, Node
from tfx_vae.metadata.rendering.graphs import as_dot, as_mermaid

LINEAGE = Lineage(
    ("artifact-2",),
    downstream=False,
    nodes={
        "artifact-2": Node("artifact-2", Kind.ARTIFACT, 'Model 2 "best" #1', {}),
        "execution-1": Node("execution-1", Kind.EXECUTION, "Trainer", {}),
    },
    edges=[Edge("execution-1", "artifact-2", "model")],
)


def test_mermaid_has_a_line_for_each_node_and_edge_and_escapes_labels():
    assert as_mermaid(LINEAGE).splitlines() == [
        "flowchart LR",
        '  artifact-2["Model 2 #quot;best#quot; #35;1"]',
        '  execution-1(["Trainer"])',
        '  execution-1 -->|"model"| artifact-2',
    ]


def test_dot_has_a_line_for_each_node_and_edge_and_escapes_labels():
    assert as_dot(LINEAGE).splitlines()[2:] == [
        '  "artifact-2" [label="Model 2 \\"best\\" #1", shape=box];',
        '  "execution-1" [label="Trainer", shape=ellipse];',
        '  "execution-1" -> "artifact-2" [label="model"];',
        "}",
    ]
