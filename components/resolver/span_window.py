"""The spans that are used together: those of a window, each in its latest version."""

import json
from typing import Final

import ml_metadata
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

from components.artifacts.files import is_there
from components.artifacts.spans import EXAMPLES_ID, INGESTION, PASSED
from components.private_tfx import latest_spans

EXAMPLES: Final = "examples"
STATISTICS: Final = "statistics"
VERDICTS: Final = "verdicts"
CURRENT: Final = "current"


class SpanWindowStrategy(ResolverStrategy):
    """Finds the examples of the latest spans, and their statistics.

    ::

        Resolver(
            strategy_class=SpanWindowStrategy,
            config={"count": 7, "only_known": False},     # 0 is all spans
            examples=Channel(type=Examples),              # all of this pipeline
            statistics=Channel(type=ExampleStatistics),   # all of this pipeline
            verdicts=Channel(type=DataVerdict),           # all of this pipeline
            current=example_gen.outputs["examples"],
        )

    Which spans are the latest, and of each the latest version, is decided as TFX's RollingRange does. TFX's own resolvers would
    also choose what the ValidationGate refused in an earlier run, and spans that were read with other settings: with other
    fractions, for example, an image of the test split of one span may be in the training split of another.

    With `only_known` it finds those of the window that earlier runs read, before the ValidationGate has judged `current`.
    """

    def __init__(self, count: int, only_known: bool = False) -> None:
        """Takes the number of spans, 0 is all of them, and whether to leave out those that this run reads."""
        self._count = count
        self._only_known = only_known

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Chooses one Examples artifact for each span, the oldest span first, and the latest statistics of each.

        Args:
          store: Not used: the artifacts contain everything that is needed.
          input_dict: All artifacts of the keys above.

        Returns:
          Lists of equal length for `examples` and `statistics`, and their `verdicts`, which `tfx-vae gc` keeps therefore.
        """
        del store
        verdicts = {
            identity: verdict
            for verdict in input_dict[VERDICTS]
            for identity in json.loads(verdict.get_string_custom_property(PASSED) or "[]")
        }
        current = {one.id for one in input_dict[CURRENT]} if self._only_known else set()
        [ingestion] = {one.get_string_custom_property(INGESTION) for one in input_dict[CURRENT]}
        chosen = latest_spans(
            [
                one
                for one in input_dict[EXAMPLES]
                if one.id in verdicts.keys() | current
                and one.get_string_custom_property(INGESTION) == ingestion
                and is_there(one.uri)
            ],
            self._count,
        )
        chosen = [one for one in chosen if one.id not in current]
        described = {one.get_int_custom_property(EXAMPLES_ID): one for one in sorted(input_dict[STATISTICS], key=_identity)}
        return {
            **{key: [] for key in input_dict},
            EXAMPLES: chosen,
            VERDICTS: list({verdicts[one.id].id: verdicts[one.id] for one in chosen}.values()),
            STATISTICS: [described[one.id] for one in chosen if one.id in described],
        }


def _identity(artifact: Artifact) -> int:
    return int(artifact.id)
