"""Runs before ImageExampleGen is looked up in the cache: finds the span and digests the names, sizes and times of its files."""

from collections.abc import Mapping
from typing import Any

from tfx.types.artifact import Artifact

from components.artifacts import dataset as properties
from components.example_gen.image_folder import find_folder
from components.example_gen.image_spans import latest_span
from components.private_tfx import CompletingDriver
from components.source_digest import source_digest


class Driver(CompletingDriver):
    """Puts what is read into the cache key, which TFX computes from the execution properties that this driver completes."""

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """Adds what `complete_properties` does.

        Raises:
          ConfigurationError: There is no such folder or span, or no image in it.
        """
        return complete_properties(parameters)

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Called by TFX's interactive context; see `added_properties`."""
        del pipeline_info, component_info
        return complete_properties(exec_properties)


def complete_properties(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Adds the span, its location, and digests of its files and of this code."""
    found = latest_span(exec_properties[properties.IMAGES])
    return exec_properties | {
        properties.LOCATION: found.location,
        properties.SPAN: found.span,
        properties.SPAN_VERSION: found.version,
        properties.CONTENT_DIGEST: find_folder(found.location).fingerprint(),
        properties.SOURCE_DIGEST: source_digest("components.example_gen.image_executor"),
    }
