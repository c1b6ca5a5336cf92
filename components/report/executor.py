"""The executor of ModelReport."""

import copy
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from threadpoolctl import threadpool_limits

from components import progress
from components.artifacts.files import readable, writable
from components.report import properties
from components.report.config import ReportConfig
from components.report.findings import gather
from components.report.page import write
from components.report.provenance import Provenance
from components.report.report_page import SECTIONS, report_page


class Executor(BaseExecutor):
    """Reads the artifacts of the other components and writes the page."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `index.html` and its figures.

        Raises:
          DataError: A split has no image.
          FileNotFoundError: The evaluation has no metrics.
        """
        config = ReportConfig.model_validate_json(exec_properties[properties.CONFIG], strict=True)
        provenance = Provenance.model_validate_json(exec_properties.get(properties.PROVENANCE) or "{}")
        found = dict(input_dict)
        report = artifact_utils.get_single_instance(output_dict[properties.REPORT])
        # On a busy machine the threads of numpy's matrix products mostly wait for each other.
        with ExitStack() as copies, threadpool_limits(1):
            for name in found.keys() & {
                properties.MODEL,
                properties.EVALUATION,
                properties.DRIFT_VERDICT,
                properties.BEST_HYPERPARAMETERS,
                properties.TUNER_RESULTS,
            }:
                found[name] = [_at(artifact, copies.enter_context(readable(artifact.uri))) for artifact in found[name]]
            findings = gather(found, config, self._pipeline_name(), provenance)
            sections = []
            for number, section in enumerate(SECTIONS):
                progress.report(progress.Progress("drawing", number, len(SECTIONS), "sections"))
                sections.append(section(findings))
            present = [section for section in sections if section is not None]
            write(report_page(findings, present), copies.enter_context(writable(report.uri)))

    def _pipeline_name(self) -> str:
        info = self._context.pipeline_info if self._context else None
        return str(info.id) if info else ""


def _at(artifact: Artifact, directory: Path) -> Artifact:
    """The same artifact in another directory."""
    moved = copy.deepcopy(artifact)
    moved.uri = str(directory)
    return moved
