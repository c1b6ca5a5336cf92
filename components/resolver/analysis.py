"""What Transform computed about the images of earlier spans, for a window that has them still."""

from typing import Final

import ml_metadata
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

from components.artifacts.files import is_there

ANALYZER_CACHE: Final = "analyzer_cache"
NEW_EXAMPLES: Final = "new_examples"

_Event = metadata_store_pb2.Event


class AnalysisStrategy(ResolverStrategy):
    """Finds Transform's `analyzer_cache`: what the latest Transform of other spans left.

    ::

        Resolver(
            strategy_class=AnalysisStrategy,
            analyzer_cache=Channel(type=TransformCache),    # all of this pipeline
            new_examples=training_spans.outputs["examples"],
        )

    TFX's LatestArtifactStrategy would find, in a run without a new span, what the run before left. That run had started from
    something else, so Transform, and all that comes after it, would not be served from the cache. This strategy finds what that
    run found.
    """

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Chooses at most one cache.

        Args:
          store: Says of which examples a cache was made.
          input_dict: All artifacts of the keys above.

        Returns:
          A list of one artifact or none for `analyzer_cache`; the other is empty.
        """
        new = {one.id for one in input_dict[NEW_EXAMPLES]}
        latest_first = sorted(input_dict[ANALYZER_CACHE], key=lambda cache: int(cache.id), reverse=True)
        chosen = next((one for one in latest_first if not new <= _made_of(store, one.id) and is_there(one.uri)), None)
        return {**{key: [] for key in input_dict}, ANALYZER_CACHE: [chosen] if chosen else []}


def _made_of(store: ml_metadata.MetadataStore, artifact: int) -> set[int]:
    """The ids of all inputs of the execution that made an artifact; not of those that took it from TFX's cache."""
    makers = sorted(event.execution_id for event in store.get_events_by_artifact_ids([artifact]) if event.type == _Event.OUTPUT)
    events = store.get_events_by_execution_ids(makers[:1]) if makers else []
    return {event.artifact_id for event in events if event.type == _Event.INPUT}
