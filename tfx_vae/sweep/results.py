"""The results of a sweep, and the page that shows them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table
from rich.console import Console

from components.artifacts.evaluation import read_means
from components.artifacts.features import KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from components.artifacts.metrics import ACTIVE_UNITS, FRECHET_DISTANCE, describe
from components.artifacts.tuning import shown, words
from components.bucket import fetch
from components.report.page import Cell, Figure, Page, Section, Table, write
from pipelines.local.display import NodeResult
from tfx_vae.sweep.figure import Point, loss_by_setting, rate_distortion
from tfx_vae.sweep.variants import Variant

RESULTS_FILE = "sweep.json"
LATENT_DIM, BETA = "model.latent_dim", "model.beta"


_METRICS = (KL_DIVERGENCE, RECONSTRUCTION_LOSS, NEGATIVE_ELBO, FRECHET_DISTANCE, ACTIVE_UNITS)
"""What the tables show, if the models have it."""


@dataclass(frozen=True)
class Result:
    """The result of one variant.

    Attributes:
      variant: The variant.
      run: The name of the run in ML Metadata.
      metrics: Means over the test split by name, those of `_METRICS` that the model has.
    """

    variant: Variant
    run: str
    metrics: Mapping[str, float]


def read_result(variant: Variant, run: str, nodes: dict[str, NodeResult]) -> Result:
    """Reads the artifacts of a variant's run."""
    [evaluation] = nodes["Evaluator"].outputs["evaluation"]
    found = read_means(fetch(evaluation.uri))
    return Result(variant, run, {name: found[name] for name in _METRICS if name in found})


def print_results(results: Sequence[Result], console: Console) -> None:
    """Prints a row for each variant. Headings are broken into lines, so that they fit into 80 columns."""
    table = rich.table.Table(box=None)
    columns, rows = _cells(results)
    for column in columns:
        table.add_column(column.replace(" ", "\n"), justify="right", overflow="fold", vertical="bottom")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def _cells(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Headings and texts of a table."""
    metrics = [describe(name) for name in _METRICS if any(name in result.metrics for result in results)]
    rows = [
        [
            *map(shown, result.variant.settings.values()),
            *(f"{result.metrics[each.name]:.{each.decimals}f}" if each.name in result.metrics else "" for each in metrics),
        ]
        for result in results
    ]
    return [*map(words, results[0].variant.settings), *(metric.title for metric in metrics)], rows


def write_results(name: str, results: Sequence[Result], directory: Path) -> Path:
    """Writes the page, the figure and `sweep.json`.

    Args:
      name: The pipeline whose configuration the variants change.
      results: At least one.
      directory: Where to write; it is created.

    Returns:
      The path of the page.
    """
    page = write(sweep_page(name, results), directory)
    rows = [
        {
            **{key.rpartition(".")[2]: value for key, value in result.variant.settings.items()},
            "run": result.run,
            **result.metrics,
        }
        for result in results
    ]
    (directory / RESULTS_FILE).write_text(json.dumps(rows, indent=2) + "\n")
    return page


def sweep_page(name: str, results: Sequence[Result]) -> Page:
    """The page of a sweep."""
    best = min(results, key=lambda result: result.metrics[NEGATIVE_ELBO])
    keys = list(best.variant.settings)
    columns, rows = _cells(results)
    table = Table("Means over the test split", columns, [[Cell(text) for text in row] for row in rows], texts=len(keys))
    pictures = [_trade_off(results)] if set(keys) == {LATENT_DIM, BETA} else []
    return Page(
        title=f"Variants of {name}",
        summary=[
            f"{len(results)} models that differ only in {' and '.join(map(words, keys))}; all numbers are means over the same "
            "test images.",
            f"The model with {best.variant.title} has the lowest negative ELBO: {best.metrics[NEGATIVE_ELBO]:.2f} nats per "
            "image.",
        ],
        sections=[Section("variants", "The variants", "", [*pictures, _losses(results), table])],
    )


def _trade_off(results: Sequence[Result]) -> Figure:
    points = [
        Point(
            result.variant.settings[LATENT_DIM],
            result.variant.settings[BETA],
            result.metrics[KL_DIVERGENCE],
            result.metrics[RECONSTRUCTION_LOSS],
        )
        for result in results
    ]
    return Figure(
        "rate-distortion",
        rate_distortion(points),
        "KL divergence against reconstruction loss (Alemi et al., 2018). Further right, the codes say more about an image; "
        "further down, the reconstructions are better. On a dotted line the negative ELBO, the sum of both, is constant; its "
        "value is beside the line. A larger beta moves a model up and to the left: codes say less, and images are blurrier. A "
        "small latent space cannot move far to the right.",
        f"{len(points)} points, rate against distortion, connected by latent size.",
    )


def _losses(results: Sequence[Result]) -> Figure:
    points = [(list(result.variant.settings.values()), result.metrics[NEGATIVE_ELBO]) for result in results]
    keys = list(results[0].variant.settings)
    lines = f" Each line is one {words(keys[1])}." if len(keys) > 1 else ""
    return Figure(
        "negative-elbo",
        loss_by_setting(points, [words(key) for key in keys]),
        f"The negative ELBO of each model by {words(keys[0])}: the lower, the better.{lines}",
        f"The negative ELBO of {len(points)} models by {' and '.join(map(words, keys))}.",
    )
