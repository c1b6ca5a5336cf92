"""Runs before ImageExampleGen is looked up in the cache: finds the spans, and digests names, sizes and times of their files."""

from collections.abc import Mapping
from typing import Any, Final

from tfx.types.artifact import Artifact

from components.artifacts import dataset as properties
from components.example_gen.image_folder import find_folder
from components.example_gen.image_spans import has_spans, latest_spans
from components.example_gen.ingested import SpanToRead, ingestion_digest, only_unread, to_read
from components.private_tfx import CompletingDriver
from components.source_digest import source_digest

_IN_COMMON: Final = (properties.IMAGES, properties.FRACTIONS, properties.BACKGROUND, properties.MODE)


class Driver(CompletingDriver):
    """Puts what is read into the cache key, which TFX computes from the execution properties that this driver completes."""

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """Adds what `complete_properties` does, but only the spans that no earlier run has read.

        Raises:
          ConfigurationError: There is no such folder or span, or no image in it.
        """
        found = _find(parameters)
        completed = parameters | _digests(parameters) | to_read(found, [])
        return only_unread(self, found, completed) if has_spans(parameters[properties.IMAGES]) else completed

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Called by TFX's interactive context; see `added_properties`."""
        del pipeline_info, component_info
        return complete_properties(exec_properties)


def complete_properties(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Adds the spans, their locations, and digests of their files and of this code."""
    return exec_properties | _digests(exec_properties) | to_read(_find(exec_properties), [])


def _digests(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        properties.INGESTION: ingestion_digest(parameters, _IN_COMMON),
        properties.SOURCE_DIGEST: source_digest("components.example_gen.image_executor"),
        # Another number of spans must not change the cache key, or spans that were read would be read again.
        properties.NEWEST_SPANS: 0,
    }


def _find(parameters: Mapping[str, Any]) -> list[SpanToRead]:
    spans = latest_spans(parameters[properties.IMAGES], parameters[properties.NEWEST_SPANS])
    return [SpanToRead.found(span, lambda location: find_folder(location).fingerprint()) for span in spans]
