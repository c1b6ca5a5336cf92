"""Makes the page. Imports TensorFlow, so only when it is called."""

from pathlib import Path

from components.report.config import ReportConfig
from components.report.page import Page, write
from components.report.report_page import model_name
from pipelines.mlmd.location import Location
from tfx_vae.compare import sections
from tfx_vae.compare.pair import Pair, read_pair
from tfx_vae.compare.runs import ComparedRun


def compare(location: Location, compared: tuple[ComparedRun, ComparedRun], config: ReportConfig, directory: Path) -> Path:
    """Writes a page with two runs side by side. Nothing is trained, and nothing is written to ML Metadata.

    Args:
      location: ML Metadata.
      compared: The runs.
      config: How much to look at.
      directory: Where to write the page and its figures.

    Returns:
      The page's file.

    Raises:
      ConfigurationError: The models take images of different shapes.
    """
    return write(comparison_page(read_pair(location, compared, config)), directory)


def comparison_page(pair: Pair) -> Page:
    """The page of a comparison."""
    verdicts = [
        f"{name}: {model_name(findings.model.has_posterior, findings.provenance.model)}, "
        f"{findings.model.latent_dim} latent dimensions, "
        f"{'blessed' if findings.evaluation.blessed else 'not blessed'}, from run {run}."
        for name, run, findings in zip(pair.names, pair.runs, pair.findings, strict=True)
    ]
    return Page(
        title=f"{pair.names[0]} against {pair.names[1]}",
        summary=verdicts,
        sections=[
            section(pair)
            for section in (
                sections.reconstructions_section,
                sections.samples_section,
                sections.interpolations_section,
                sections.latent_section,
                sections.metrics_section,
                sections.settings_section,
            )
        ],
    )
