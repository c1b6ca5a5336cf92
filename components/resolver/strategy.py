"""The champion: the served model that no later one has beaten, but never the candidate itself."""

import logging
from pathlib import Path
from typing import Any, Final

import ml_metadata
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

from components.artifacts.champion import BLESSED, CURRENT_MODEL_ID, succession

MODEL: Final = "model"
MODEL_BLESSING: Final = "model_blessing"
PUSHED_MODEL: Final = "pushed_model"
CANDIDATE: Final = "candidate"
TRANSFORM_GRAPH: Final = "transform_graph"

_Event = metadata_store_pb2.Event
_LOGGER = logging.getLogger("tfx_vae.resolver")


class ChampionStrategy(ResolverStrategy):
    """Finds the Evaluator's baseline.

    ::

        Resolver(
            strategy_class=ChampionStrategy,
            model=Channel(type=Model),                    # all of this pipeline
            model_blessing=Channel(type=ModelBlessing),   # all of this pipeline
            pushed_model=Channel(type=PushedModel),       # all of this pipeline
            candidate=trainer.outputs["model"],           # left out, the champion itself is found
            transform_graph=transform.outputs["transform_graph"],    # optional: no model that was trained with it is chosen
        )

    With `transform_graph` a training that is repeated on the same images starts from the same model, and is served from the
    cache, though the model that it trained is now the champion.

    If no model qualifies, `outputs["model"]` is empty, and the Evaluator compares with nothing.

    TFX's own LatestBlessedModelStrategy differs in three ways:

    * It takes the latest blessed model. One that is a little worse than the one before, within the threshold, would lower the
      bar for the next one, and so on for ever. `components/artifacts/champion.py` says which model stays the champion.
    * It may choose the candidate. A run whose Trainer is served from the cache would then have its own model as the baseline:
      the Evaluator would compare a model with itself. It could not be served from the cache, because it has an input that it
      did not have the first time, and because of its new blessing the Pusher would push the same model again. Without the
      candidate, such a run has the same baseline as the run that trained the model.
    * It takes the model with the highest id, which was made last. Here ids of blessings and of pushed versions order what
      happened; the same blessing served from the cache keeps its id.
    """

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Chooses at most one model, and its latest blessing.

        Args:
          store: Knows which models were trained with the `transform_graph`.
          input_dict: All artifacts of the keys `model`, `model_blessing` and `pushed_model`, and perhaps the `candidate` or the
            `transform_graph`.

        Returns:
          Lists of one artifact or none for `model` and `model_blessing`; a promoted model may have no blessing. The other
          lists are empty: everything returned becomes an output of the Resolver in ML Metadata, and it did not choose those.
        """
        trained = _made_from(store, [graph.id for graph in input_dict.get(TRANSFORM_GRAPH, [])])
        models = {model.id: model for model in input_dict[MODEL]}
        blessings = {blessing.id: blessing for blessing in input_dict[MODEL_BLESSING]}
        pushes = {push.id: push for push in input_dict.get(PUSHED_MODEL, [])}
        history = succession(
            {identity: _properties(blessing) for identity, blessing in blessings.items()},
            {identity: _properties(push) for identity, push in pushes.items()},
        )
        candidate = next((model.id for model in input_dict.get(CANDIDATE, [])), None)
        chosen = history.champion(
            lambda model: model in models and model not in trained and _is_there(models[model]), candidate
        )
        return {
            **{key: [] for key in input_dict},
            MODEL: [] if chosen is None else [models[chosen]],
            MODEL_BLESSING: [] if chosen is None else _latest_blessing(list(blessings.values()), chosen),
        }


def _properties(artifact: Artifact) -> dict[str, Any]:
    properties = artifact.mlmd_artifact.custom_properties
    return {name: getattr(value, value.WhichOneof("value")) for name, value in properties.items() if value.WhichOneof("value")}


def _made_from(store: ml_metadata.MetadataStore, artifacts: list[int]) -> set[int]:
    """The ids of all that was made from artifacts by one execution."""
    used = {event.execution_id for event in store.get_events_by_artifact_ids(artifacts) if event.type == _Event.INPUT}
    return {event.artifact_id for event in store.get_events_by_execution_ids(list(used)) if event.type == _Event.OUTPUT}


def _latest_blessing(blessings: list[Artifact], model: int) -> list[Artifact]:
    of_model = [
        blessing
        for blessing in blessings
        if blessing.get_int_custom_property(CURRENT_MODEL_ID) == model and blessing.get_int_custom_property(BLESSED) == 1
    ]
    return sorted(of_model, key=lambda blessing: blessing.id)[-1:]


def _is_there(model: Artifact) -> bool:
    """Whether the files of a model can be found; a model in an object store is taken to be there."""
    if not model.uri.startswith("/") or Path(model.uri).is_dir():
        return True
    _LOGGER.warning("The blessed model %d is not a baseline: its files are not in %s any more.", model.id, model.uri)
    return False
