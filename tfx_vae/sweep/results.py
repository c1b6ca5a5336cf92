"""The results of a sweep, and the page that shows them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.artifacts.evaluation import read_means
from components.artifacts.features import KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from components.artifacts.metrics import ACTIVE_UNITS
from components.report.page import Cell, Figure, Page, Section, Table, write
from pipelines.local.display import NodeResult
from tfx_vae.sweep.figure import Point, rate_distortion
from tfx_vae.sweep.variants import Variant

RESULTS_FILE = "sweep.json"


@dataclass(frozen=True)
class Result:
    """The result of one variant.

    Attributes:
      variant: The variant.
      run: The name of the run in ML Metadata.
      rate: KL divergence over the test split, in nats per image.
      distortion: Reconstruction loss over the test split, in nats per image.
      negative_elbo: Negative ELBO over the test split, in nats per image.
      active_units: Number of latent dimensions that vary with the image, over the test split; None if it is not known.
    """

    variant: Variant
    run: str
    rate: float
    distortion: float
    negative_elbo: float
    active_units: int | None


def read_result(variant: Variant, run: str, nodes: dict[str, NodeResult]) -> Result:
    """Reads the artifacts of a variant's run."""
    [evaluation] = nodes["Evaluator"].outputs["evaluation"]
    metrics = read_means(Path(evaluation.uri))
    return Result(
        variant=variant,
        run=run,
        rate=metrics[KL_DIVERGENCE],
        distortion=metrics[RECONSTRUCTION_LOSS],
        negative_elbo=metrics[NEGATIVE_ELBO],
        active_units=int(metrics[ACTIVE_UNITS]) if ACTIVE_UNITS in metrics else None,
    )


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
            "latent_dim": result.variant.latent_dim,
            "beta": result.variant.beta,
            "run": result.run,
            KL_DIVERGENCE: result.rate,
            RECONSTRUCTION_LOSS: result.distortion,
            NEGATIVE_ELBO: result.negative_elbo,
            ACTIVE_UNITS: result.active_units,
        }
        for result in results
    ]
    (directory / RESULTS_FILE).write_text(json.dumps(rows, indent=2) + "\n")
    return page


def sweep_page(name: str, results: Sequence[Result]) -> Page:
    """The page of a sweep."""
    points = [Point(result.variant.latent_dim, result.variant.beta, result.rate, result.distortion) for result in results]
    best = min(results, key=lambda result: result.negative_elbo)
    picture = Figure(
        "rate-distortion",
        rate_distortion(points),
        "Each point is a trained model. Further right, the codes say more about an image; further down, the reconstructions "
        "are better. On a dotted line the negative ELBO, the sum of both, is constant; its value is beside the line. A "
        "larger beta moves a model up and to the left: codes say less, and images are blurrier. A small latent space cannot "
        "move far to the right.",
        f"{len(points)} points, rate against distortion, connected by latent size.",
    )
    return Page(
        title=f"Rate and distortion of {name}",
        summary=[
            f"{len(results)} models that differ only in latent size and in beta, the weight of the KL divergence in "
            "training; all numbers are means over the same test images.",
            f"The model with latent size {best.variant.latent_dim} and beta {best.variant.beta:g} has the lowest negative "
            f"ELBO: {best.negative_elbo:.2f} nats per image.",
        ],
        sections=[
            Section(
                "rate-distortion",
                "The trade-off",
                "KL divergence against reconstruction loss (Alemi et al., 2018).",
                [picture, _table(results)],
            )
        ],
    )


def _table(results: Sequence[Result]) -> Table:
    rows = [
        [
            Cell(str(result.variant.latent_dim)),
            Cell(f"{result.variant.beta:g}"),
            Cell(f"{result.rate:.2f}"),
            Cell(f"{result.distortion:.2f}"),
            Cell(f"{result.negative_elbo:.2f}"),
            Cell("" if result.active_units is None else str(result.active_units)),
        ]
        for result in results
    ]
    columns = ["latent size", "beta", "KL", "reconstruction", "negative ELBO", "active"]
    return Table("Losses over the test split in nats per image, and active dimensions", columns, rows, narrow=True)
