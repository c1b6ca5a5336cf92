"""The table of `tfx-vae score`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from components.artifacts.features import IW_NLL, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from tfx_vae.metadata.printing import Cell, Column, print_columns
from tfx_vae.serving.commands.numbers import DISTANCE, REFERENCE_SHARE

_COLUMNS: Final = (
    (DISTANCE, ".1f", Column("DISTANCE", is_number=True)),
    (REFERENCE_SHARE, ".1%", Column("REFERENCE_SHARE", is_number=True)),
    (NEGATIVE_ELBO, ".2f", Column("NEGATIVE_ELBO", is_number=True)),
    (IW_NLL, ".2f", Column("IW_NLL", is_number=True)),
    (RECONSTRUCTION_LOSS, ".2f", Column("RECONSTRUCTION_LOSS", is_number=True, is_optional=True)),
    (KL_DIVERGENCE, ".2f", Column("KL_DIVERGENCE", is_number=True, is_optional=True)),
)
_FILE: Final = Column("FILE", shrinks_to=20, keeps_end=True)


def print_scores(images: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Prints a line for each image."""
    shown = [(name, style, column) for name, style, column in _COLUMNS if any(image[name] is not None for image in images)]
    rows = [[*(Cell(format(image[name], style)) for name, style, _ in shown), Cell(image["file"])] for image in images]
    print_columns(console, [*(column for *_, column in shown), _FILE], rows)
