"""The latest blessed model that is not the candidate itself."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import ml_metadata
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

MODEL: Final = "model"
MODEL_BLESSING: Final = "model_blessing"
CANDIDATE: Final = "candidate"

# As the Evaluator's executor writes them. Its constants would import every component of TFX, which takes ten seconds.
_BLESSED = "blessed"
_CURRENT_MODEL_ID = "current_model_id"
_LOGGER = logging.getLogger("tfx_vae.resolver")


class LatestBlessedOtherModelStrategy(ResolverStrategy):
    """Finds the Evaluator's baseline.

    ::

        Resolver(
            strategy_class=LatestBlessedOtherModelStrategy,
            model=Channel(type=Model),                    # all of this pipeline
            model_blessing=Channel(type=ModelBlessing),   # all of this pipeline
            candidate=trainer.outputs["model"],
        )

    If no model qualifies, `outputs["model"]` is empty, and the Evaluator compares with nothing.

    TFX's own LatestBlessedModelStrategy differs in two ways:

    * It may choose the candidate. A run whose Trainer is served from the cache would then have its own model as the baseline:
      the Evaluator would compare a model with itself. It could not be served from the cache, because it has an input that it
      did not have the first time, and because of its new blessing the Pusher would push the same model again. Without the
      candidate, such a run has the same baseline as the run that trained the model.
    * It takes the model with the highest id, which was made last. Here the latest is the one that was blessed last: a model
      from the cache that was blessed again, against a newer one, counts as newer than that one. Ids of blessings order them by
      time; the same blessing served from the cache keeps its id.
    """

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Chooses at most one model, and its blessing.

        Args:
          store: Not used: the artifacts contain everything that is needed.
          input_dict: All artifacts of the keys `model` and `model_blessing`, and the `candidate`.

        Returns:
          Lists of one artifact or none for `model` and `model_blessing`. The list for `candidate` is empty: everything returned
          becomes an output of the Resolver in ML Metadata, and it did not choose the candidate.
        """
        del store
        excluded = {candidate.id for candidate in input_dict[CANDIDATE]}
        chosen = _latest_blessed(input_dict[MODEL], input_dict[MODEL_BLESSING], excluded)
        model, blessing = ([chosen[0]], [chosen[1]]) if chosen else ([], [])
        return {MODEL: model, MODEL_BLESSING: blessing, CANDIDATE: []}


def _latest_blessed(
    models: Sequence[Artifact], blessings: Sequence[Artifact], excluded: set[int]
) -> tuple[Artifact, Artifact] | None:
    by_id = {model.id: model for model in models if model.id not in excluded}
    for blessing in sorted(blessings, key=lambda artifact: artifact.id, reverse=True):
        model = by_id.get(blessing.get_int_custom_property(_CURRENT_MODEL_ID))
        if model is not None and blessing.get_int_custom_property(_BLESSED) == 1 and _is_there(model):
            return model, blessing
    return None


def _is_there(model: Artifact) -> bool:
    """Whether the files of a model can be found; a model in an object store is taken to be there."""
    if not model.uri.startswith("/") or Path(model.uri).is_dir():
        return True
    _LOGGER.warning("The blessed model %d is not a baseline: its files are not in %s any more.", model.id, model.uri)
    return False
