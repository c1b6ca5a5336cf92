"""Quantities and states in words."""

from datetime import datetime
from typing import Any, Final

from tfx_vae.metadata.entities import ArtifactState, ExecutionState
from tfx_vae.metadata.questions.run_state import RunState

NONE: Final = "-"
"""What there is not, or not yet."""

_STYLES: Final[dict[str, str]] = {
    RunState.COMPLETE: "green",
    RunState.RUNNING: "cyan",
    RunState.FAILED: "red",
    RunState.KILLED: "red",
    RunState.CANCELED: "yellow",
    ExecutionState.CACHED: "dim",
    ArtifactState.LIVE: "green",
    ArtifactState.DELETED: "dim",
    ArtifactState.MARKED_FOR_DELETION: "yellow",
}


def state_style(state: RunState | ExecutionState | ArtifactState) -> str:
    """The colour of a state, in rich's words."""
    return _STYLES.get(state.value, "")


def describe_time(milliseconds: int) -> str:
    """A moment in local time: `2026-01-31 12:00`."""
    return datetime.fromtimestamp(milliseconds / 1000).strftime("%Y-%m-%d %H:%M")


def describe_seconds(seconds: float | None) -> str:
    """A duration: `8.4 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def describe_size(size: int | None) -> str:
    """Bytes: `812 B`, `4.3 kB`, `1.2 GB`."""
    if size is None:
        return NONE
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def describe_model(model: Any) -> str:
    """The settings of a model in two words: `vae-dense 32`, its kind and network and the dimensions of its code."""
    return NONE if not model else f"{model.get('kind', '?')}-{model.get('network', '?')} {model.get('latent_dim', '?')}"
