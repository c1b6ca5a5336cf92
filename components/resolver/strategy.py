"""The champion: the served model that no later one has beaten; for the Evaluator, and for the DriftGate with its images."""

import logging
from typing import Any, Final

import ml_metadata
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

from components.artifacts.champion import BLESSED, CURRENT_MODEL_ID, Succession, succession
from components.artifacts.files import is_there

MODEL: Final = "model"
MODEL_BLESSING: Final = "model_blessing"
PUSHED_MODEL: Final = "pushed_model"
CANDIDATE: Final = "candidate"
TRANSFORM_GRAPH: Final = "transform_graph"
EXAMPLES: Final = "examples"
NEW_EXAMPLES: Final = "new_examples"

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
        candidate = next((model.id for model in input_dict.get(CANDIDATE, [])), None)
        chosen = _history(input_dict).champion(
            lambda model: model in models and model not in trained and _is_there(models[model]), candidate
        )
        return {
            **{key: [] for key in input_dict},
            MODEL: [] if chosen is None else [models[chosen]],
            MODEL_BLESSING: [] if chosen is None else _latest_blessing(input_dict[MODEL_BLESSING], chosen),
        }


class DriftStrategy(ResolverStrategy):
    """Finds the champion that was trained on other images than those of this run, and the examples that it was trained on.

    ::

        Resolver(
            strategy_class=DriftStrategy,
            model=Channel(type=Model),                    # these four: all of this pipeline
            model_blessing=Channel(type=ModelBlessing),
            pushed_model=Channel(type=PushedModel),
            examples=Channel(type=Examples),
            new_examples=example_gen.outputs["examples"],
        )

    A run that is repeated finds what it found the first time, not the model that it trained then on the same images. So it is
    served from the cache.
    """

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Chooses at most one model, and the raw examples of its training that are still there.

        Args:
          store: Says what a model was made of.
          input_dict: All artifacts of the keys `model`, `model_blessing`, `pushed_model` and `examples`, and `new_examples`.

        Returns:
          Lists for `model` and `examples`, both empty if no champion qualifies. The others are empty.
        """
        models = {model.id: model for model in input_dict[MODEL]}
        examples = {one.id: one for one in input_dict[EXAMPLES]}
        new = {one.id for one in input_dict[NEW_EXAMPLES]}
        known: dict[int, list[Artifact]] = {}

        def is_usable(model: int) -> bool:
            if model not in models or not _is_there(models[model]):
                return False
            trained_on = _sources(store, model, set(examples))
            known[model] = [examples[one] for one in sorted(trained_on) if _is_there(examples[one])]
            return bool(known[model]) and not new <= trained_on

        chosen = _history(input_dict).champion(is_usable)
        found = {MODEL: [], EXAMPLES: []} if chosen is None else {MODEL: [models[chosen]], EXAMPLES: known[chosen]}
        return {**{key: [] for key in input_dict}, **found}


def _sources(store: ml_metadata.MetadataStore, artifact: int, candidates: set[int]) -> set[int]:
    """The raw examples that an artifact was made of: those among its ancestors that were made of no other examples."""
    makers = {event.execution_id for event in store.get_events_by_artifact_ids([artifact]) if event.type == _Event.OUTPUT}
    taken = store.get_events_by_execution_ids(sorted(makers)[:1]) if makers else []
    inputs = {event.artifact_id for event in taken if event.type == _Event.INPUT} & candidates
    return set().union(*({one} if not (deeper := _sources(store, one, candidates)) else deeper for one in inputs))


def _history(input_dict: dict[str, list[Artifact]]) -> Succession:
    return succession(
        {blessing.id: _properties(blessing) for blessing in input_dict[MODEL_BLESSING]},
        {push.id: _properties(push) for push in input_dict.get(PUSHED_MODEL, [])},
    )


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


def _is_there(artifact: Artifact) -> bool:
    """Whether the files of an artifact can be found; one in an object store is taken to be there."""
    if not artifact.uri.startswith("/") or is_there(artifact.uri):
        return True
    what = f"{artifact.type_name} {artifact.id}"
    _LOGGER.warning("Nothing is compared with %s: its files are not in %s any more.", what, artifact.uri)
    return False
