"""Two models side by side, and the test images that both reconstruct."""

from dataclasses import dataclass, replace
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.bucket import fetch
from components.errors import ConfigurationError
from components.report import properties
from components.report.config import ReportConfig
from components.report.findings import Findings, gather
from components.report.provenance import read_provenance
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import Location
from tfx_vae.compare.runs import ComparedRun

_LONGEST_NAME = 16
_IMAGES = (properties.EXAMPLES, properties.TEST_EXAMPLES)


@dataclass(frozen=True)
class Pair:
    """The two compared runs.

    Attributes:
      findings: The first and the second run; both with the test images of the first.
      runs: Their names in ML Metadata.
      names: Their names on the page.
      have_same_data: Whether both were trained and evaluated on the same images.
    """

    findings: tuple[Findings, Findings]
    runs: tuple[str, str]
    names: tuple[str, str]
    have_same_data: bool


def read_pair(location: Location, compared: tuple[ComparedRun, ComparedRun], config: ReportConfig) -> Pair:
    """Loads the models and the other artifacts.

    Args:
      location: ML Metadata, which is only read.
      compared: The two runs.
      config: What to show.

    Raises:
      ConfigurationError: The models take images of different shapes.
    """
    store = open_store(location)
    loaded = [_artifacts(store, run) for run in compared]
    findings = [_findings(store, run, artifacts, config) for run, artifacts in zip(compared, loaded, strict=True)]
    first, second = findings
    if first.model.image_shape != second.model.image_shape:
        raise ConfigurationError(
            f"{compared[0].run.id} and {compared[1].run.id} cannot be compared: their models take images of the shapes "
            f"{first.model.image_shape} and {second.model.image_shape}."
        )
    digests = {
        tuple(one.get_string_custom_property("input_fingerprint") for name in _IMAGES for one in artifacts.get(name, ()))
        for artifacts in loaded
    }
    return Pair(
        findings=(first, replace(second, test=first.test)),
        runs=(compared[0].run.id, compared[1].run.id),
        names=_names(compared),
        have_same_data=len(digests) == 1,
    )


def _names(compared: tuple[ComparedRun, ComparedRun]) -> tuple[str, str]:
    first, second = (run.run.pipeline for run in compared)
    return ("first", "second") if first == second or max(len(first), len(second)) > _LONGEST_NAME else (first, second)


def _artifacts(store: Any, compared: ComparedRun) -> dict[str, list[Artifact]]:
    """The artifacts as TFX objects with their types."""
    return {name: [_deserialize(store, one.id) for one in several] for name, several in compared.artifacts.items()}


def _deserialize(store: Any, identity: int) -> Artifact:
    [artifact] = store.get_artifacts_by_id([identity])
    artifact.uri = str(fetch(artifact.uri))
    [type_] = store.get_artifact_types_by_id([artifact.type_id])
    return artifact_utils.deserialize_artifact(type_, artifact)


def _findings(store: Any, compared: ComparedRun, artifacts: dict[str, list[Artifact]], config: ReportConfig) -> Findings:
    identities = [artifact.id for several in artifacts.values() for artifact in several]
    [model] = artifacts[properties.MODEL]
    return gather(artifacts, config, compared.run.pipeline, read_provenance(store, identities, model=model.id))
