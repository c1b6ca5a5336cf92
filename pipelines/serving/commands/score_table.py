"""`tfx-vae score` for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from components.features import IW_NLL, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from pipelines.metadata.rendering.columns import Cell, Column, print_columns

_LOSSES = (
    (NEGATIVE_ELBO, Column("NEGATIVE_ELBO", is_number=True)),
    (IW_NLL, Column("IW_NLL", is_number=True)),
    (RECONSTRUCTION_LOSS, Column("RECONSTRUCTION_LOSS", is_number=True, is_optional=True)),
    (KL_DIVERGENCE, Column("KL_DIVERGENCE", is_number=True, is_optional=True)),
)
_FILE = Column("FILE", shrinks_to=20, keeps_end=True)


def print_scores(images: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints a line for each image, in nats.

    Args:
      images: What JSON says about each.
      console: Where.
    """
    shown = [(name, column) for name, column in _LOSSES if any(image[name] is not None for image in images)]
    rows = [[*(Cell(f"{image[name]:.2f}") for name, _ in shown), Cell(image["file"])] for image in images]
    print_columns(console, [*(column for _, column in shown), _FILE], rows)
