"""`tfx-vae runs` for a person."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from components.artifacts.features import KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from tfx_vae.metadata.questions.runs import RunSummary
from tfx_vae.metadata.rendering.columns import Cell, Column, print_columns
from tfx_vae.metadata.rendering.words import NONE, describe_model, describe_seconds, describe_time, state_style

_COLUMNS = (
    Column("RUN", shrinks_to=20),
    Column("PIPELINE", shrinks_to=8, is_optional=True),
    Column("STATE"),
    Column("DATASET", shrinks_to=6),
    Column("MODEL", shrinks_to=6),
    Column("-ELBO", is_number=True),
    Column("BLESSED"),
    Column("VERSION"),
    Column("TOOK", is_number=True, is_optional=True),
    Column("STARTED", is_optional=True),
    Column("RECONSTRUCTION", is_number=True, is_optional=True),
    Column("KL", is_number=True, is_optional=True),
)


def print_runs(runs: Sequence[RunSummary], console: Console) -> None:
    """Prints a line for each run; losses are nats per image of the test split."""
    if not runs:
        console.print(Text("No runs yet."))
        return
    print_columns(console, _COLUMNS, [_row(run) for run in runs])


def _row(run: RunSummary) -> list[Cell]:
    blessed = {True: Cell("yes", "green"), False: Cell("no", "yellow"), None: Cell(NONE, "dim")}[run.blessed]
    return [
        Cell(run.id, "bold"),
        Cell(run.pipeline),
        Cell(run.state.value, state_style(run.state)),
        Cell(NONE if run.dataset is None else f"{run.dataset['name']} {run.dataset['version']}".strip()),
        Cell(describe_model(run.model)),
        _loss(run, NEGATIVE_ELBO),
        blessed,
        Cell("refused", "yellow") if run.refusal else Cell(run.pushed_version or NONE),
        Cell(describe_seconds(run.seconds)),
        Cell(describe_time(run.started)),
        _loss(run, RECONSTRUCTION_LOSS),
        _loss(run, KL_DIVERGENCE),
    ]


def _loss(run: RunSummary, name: str) -> Cell:
    value = (run.metrics or {}).get(name)
    return Cell(NONE if value is None else f"{value:.2f}")
