"""What became of a node of the pipeline. Imports no TFX, so that what shows it starts at once."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2


class NodeState(StrEnum):
    """How a node ended well."""

    RAN = "ran"
    CACHED = "cached"


@dataclass(frozen=True)
class NodeResult:
    """What became of a node.

    Attributes:
      state: Whether it ran or was served from an earlier run.
      execution_id: Its execution in ML Metadata.
      outputs: Its output artifacts by channel name, as ML Metadata has them.
    """

    state: NodeState
    execution_id: int
    outputs: "dict[str, list[metadata_store_pb2.Artifact]]"
