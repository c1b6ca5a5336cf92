"""Reads from ML Metadata which executions made the inputs of a report, before TFX looks up the report in the cache."""

from collections.abc import Mapping
from typing import Any

from tfx.types.artifact import Artifact

from components.private_tfx import CompletingDriver
from components.report import properties
from components.report.provenance import read_provenance


class Driver(CompletingDriver):
    """Adds the provenance of the inputs to the parameters, and so to the cache key.

    An executor may run on another machine, without access to ML Metadata. In a notebook's interactive context a report has no
    provenance.
    """

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """The provenance, as JSON."""
        identities = {name: [artifact.id for artifact in artifacts] for name, artifacts in inputs.items()}
        baselines = identities.pop(properties.BASELINE_MODEL, [])
        with self.store() as store:
            provenance = read_provenance(
                store,
                [identity for group in identities.values() for identity in group],
                model=identities[properties.MODEL][0],
                baseline=next(iter(baselines), None),
            )
        return {properties.PROVENANCE: provenance.model_dump_json()}
