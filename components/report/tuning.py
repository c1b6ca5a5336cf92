"""The section about the search for settings, and its picture."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.patheffects import withStroke

from components.artifacts.metrics import describe
from components.artifacts.tuning import Axis, Trial, Tuning, shown, words
from components.report.figures import BLUE, CYAN, RED, WIDTH, figure
from components.report.findings import Findings
from components.report.page import Cell, Figure, Section, Table

_ROWS: Final = 20
_SCORES: Final = LinearSegmentedColormap.from_list("scores", [BLUE, CYAN, "#d1d5db"])
_SPREAD: Final = 0.5
"""Of the distance of two choices: lines through one choice are side by side, the best lowest."""

_REACH: Final = 4.0
"""The scale of the objective ends at this number of times the distance from the best to the median."""


def tuning_section(findings: Findings) -> Section | None:
    """All trials of the search; None if there was none."""
    tuning = findings.tuning
    if tuning is None:
        return None
    metric = describe(tuning.objective)
    unit = f", {metric.unit} per image" if metric.unit else ""
    best = tuning.trials[0]
    chosen = ", ".join(f"{axis.key} {shown(best.settings[axis.key])}" for axis in tuning.axes)
    picture = Figure(
        "trials",
        parallel_coordinates(tuning),
        "Each line is a trial: where it crosses an axis is its value there, and the last axis is the objective. The red line "
        "is the best trial; the darker a blue line, the better. Axes that say log were searched on a logarithmic scale. Lines "
        f"through the same choice are drawn side by side.{_cut(tuning)}",
        f"{len(tuning.trials)} lines across {len(tuning.axes)} settings and the {metric.title}; the best has {chosen}.",
    )
    return Section(
        "tuning",
        "Search for settings",
        f"{len(tuning.trials)} trials, ranked by their {metric.title}{unit}, on the eval split. This model has the settings of "
        f"the best: {chosen}.",
        [picture, _table(tuning)],
    )


def _cut(tuning: Tuning) -> str:
    _, high = _limits([trial.score for trial in tuning.trials])
    beyond = sum(trial.score > high for trial in tuning.trials)
    return f" Beyond the upper end of the objective: {beyond} trials." if beyond else ""


def _table(tuning: Tuning) -> Table:
    metric = describe(tuning.objective)
    with_epochs = any(trial.epochs is not None for trial in tuning.trials)
    rows = [
        [
            Cell(str(trial.number)),
            Cell(f"{trial.score:.{metric.decimals}f}"),
            *(Cell(shown(trial.settings[axis.key])) for axis in tuning.axes),
            *([Cell(str(trial.epochs))] if with_epochs else []),
        ]
        for trial in tuning.trials[:_ROWS]
    ]
    columns = ["trial", metric.title, *(words(axis.key) for axis in tuning.axes), *(["epochs"] if with_epochs else [])]
    others = f"; {len(tuning.trials) - _ROWS} more are left out" if len(tuning.trials) > _ROWS else ""
    return Table(f"Trials, the best first{others}", columns, rows)


@figure
def parallel_coordinates(canvas: Canvas, tuning: Tuning) -> None:
    """Draws each trial as a line across the settings to the objective."""
    canvas.set_size_inches(WIDTH, 4.2)
    plot: Any = canvas.add_subplot()
    trials, metric = tuning.trials, describe(tuning.objective)
    low, high = _limits([trial.score for trial in trials])
    for number, axis in enumerate(tuning.axes):
        _draw_axis(plot, number, _heading(axis), _ticks(axis))
    unit = f"\n[{metric.unit}]" if metric.unit else ""
    scores = {low: f"{low:.{metric.decimals}f}"}
    if high > low:
        beyond = "≥ " if any(trial.score > high for trial in trials) else ""
        scores |= {(low + high) / 2: f"{(low + high) / 2:.{metric.decimals}f}", high: f"{beyond}{high:.{metric.decimals}f}"}
    objective = {_between(score, low, high): text for score, text in scores.items()}
    _draw_axis(plot, len(tuning.axes), metric.title.replace(" ", "\n") + unit, objective)
    for rank in range(len(trials) - 1, -1, -1):
        heights = [*(_height(axis, trials, rank) for axis in tuning.axes), _between(min(trials[rank].score, high), low, high)]
        colour = RED if rank == 0 else _SCORES(rank / max(1, len(trials) - 1))
        plot.plot(heights, color=colour, linewidth=2.6 if rank == 0 else 1.3, marker="o" if rank == 0 else None, markersize=4)
    plot.set_xlim(-0.25, len(tuning.axes) + 0.35)
    plot.set_ylim(-0.06, 1.06)
    plot.axis("off")


def _draw_axis(plot: Any, place: int, heading: str, ticks: dict[float, str]) -> None:
    plot.plot([place, place], [0, 1], color="#6b7280", linewidth=1, zorder=0)
    plot.text(place, 1.05, heading, ha="center", va="bottom", fontsize=9.5)
    outline = [withStroke(linewidth=3, foreground="white")]
    for height, text in ticks.items():
        plot.text(place + 0.05, height, text, ha="left", va="center", fontsize=8.5, path_effects=outline, zorder=5)
        plot.plot([place - 0.03, place + 0.03], [height, height], color="#6b7280", linewidth=1, zorder=0)


def _heading(axis: Axis) -> str:
    return words(axis.key).replace(" ", "\n") + ("\n(log)" if axis.is_log else "")


def _ticks(axis: Axis) -> dict[float, str]:
    if axis.choices:
        return {_of_choice(axis, choice): shown(choice) for choice in axis.choices}
    middle = math.sqrt(axis.low * axis.high) if axis.is_log else (axis.low + axis.high) / 2
    return {height: f"{value:.3g}" for height, value in zip((0.0, 0.5, 1.0), (axis.low, middle, axis.high), strict=True)}


def _of_choice(axis: Axis, choice: Any) -> float:
    return (list(axis.choices).index(choice) + 0.5) / len(axis.choices)


def _height(axis: Axis, trials: Sequence[Trial], rank: int) -> float:
    value = trials[rank].settings[axis.key]
    if not axis.choices:
        scale = math.log if axis.is_log else float
        return _between(scale(value), scale(axis.low), scale(axis.high))
    aside = (rank / max(1, len(trials) - 1) - 0.5) * _SPREAD / len(axis.choices)
    return _of_choice(axis, value) + aside


def _limits(scores: Sequence[float]) -> tuple[float, float]:
    """The ends of the objective's scale: a few very bad trials must not hide the differences of the others."""
    low, median = min(scores), float(np.median(scores))
    return low, min(max(scores), low + _REACH * (median - low)) if median > low else max(scores)


def _between(value: float, low: float, high: float) -> float:
    return 0.0 if high == low else (value - low) / (high - low)
