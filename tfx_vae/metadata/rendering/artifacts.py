"""`tfx-vae artifacts` for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from tfx_vae.metadata.questions.artifacts import ArtifactDetails
from tfx_vae.metadata.rendering.columns import Cell, Column, print_columns
from tfx_vae.metadata.rendering.words import NONE, describe_size, state_style

_COLUMNS = (
    Column("ID", is_number=True),
    Column("TYPE", shrinks_to=10),
    Column("STATE"),
    Column("SIZE", is_number=True),
    Column("PRODUCER", shrinks_to=8),
    Column("RUN", shrinks_to=19, is_optional=True),
    Column("URI", shrinks_to=20, keeps_end=True),
    Column("PROPERTIES", is_optional=True),
)
# What every artifact has, and says nothing.
_BOILERPLATE = ("tfx_version", "is_external")


def print_artifacts(artifacts: Sequence[ArtifactDetails], console: Console) -> None:
    """Prints a line for each artifact, and the bytes of all."""
    if not artifacts:
        console.print(Text("No artifacts."))
        return
    print_columns(console, _COLUMNS, [_row(details) for details in artifacts])
    total = sum(details.size or 0 for details in artifacts)
    if console.is_terminal:
        console.print(Text(f"{len(artifacts)} artifacts, {describe_size(total)} on this machine's disk", "dim"))


def _row(details: ArtifactDetails) -> list[Cell]:
    artifact, producer = details.artifact, details.producer
    return [
        Cell(str(artifact.id), "bold"),
        Cell(artifact.type),
        Cell(artifact.state.value, state_style(artifact.state)),
        Cell(describe_size(details.size)),
        Cell(producer.node if producer else NONE),
        Cell(producer.run_id if producer else NONE),
        Cell(artifact.uri),
        Cell(_properties(artifact.properties), "dim"),
    ]


def _properties(properties: Mapping[str, Any]) -> str:
    told = {name: value for name, value in sorted(properties.items()) if name not in _BOILERPLATE and value not in ("", None)}
    return " ".join(f"{name}={value}" for name, value in told.items())
