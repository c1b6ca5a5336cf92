"""Which blessed model becomes the baseline; tests/component/test_pusher.py has the strategy run inside pipelines."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2
from support.history import History
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.types.artifact import Artifact
from tfx.types.artifact_utils import deserialize_artifact
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, PushedModel, TransformGraph

from components.resolver.analysis import AnalysisStrategy
from components.resolver.strategy import ChampionStrategy, DriftStrategy


@pytest.fixture(scope="module")
def store() -> ml_metadata.MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    return ml_metadata.MetadataStore(config)


def model(identity: int) -> Model:
    artifact = Model()
    artifact.id = identity
    return artifact


def blessing(identity: int, of: int, blessed: bool = True) -> ModelBlessing:
    artifact = ModelBlessing()
    artifact.id = identity
    artifact.set_int_custom_property("blessed", int(blessed))
    artifact.set_int_custom_property("current_model_id", of)
    return artifact


def resolve(
    store: ml_metadata.MetadataStore, models: list[int], blessings: list[ModelBlessing], candidate: int
) -> tuple[list[int], list[int]]:
    """The ids of the chosen model and of its blessing."""
    result = ChampionStrategy().resolve_artifacts(
        store, {"model": [model(i) for i in models], "model_blessing": blessings, "candidate": [model(candidate)]}
    )
    assert result["candidate"] == []
    return [artifact.id for artifact in result["model"]], [artifact.id for artifact in result["model_blessing"]]


def test_there_is_no_baseline_before_anything_was_blessed(store: ml_metadata.MetadataStore) -> None:
    assert resolve(store, [1], [], candidate=1) == ([], [])


def test_a_model_that_was_not_blessed_is_no_baseline(store: ml_metadata.MetadataStore) -> None:
    assert resolve(store, [1, 3], [blessing(2, of=1, blessed=False)], candidate=3) == ([], [])


def test_the_candidate_is_never_its_own_baseline(store: ml_metadata.MetadataStore) -> None:
    assert resolve(store, [1], [blessing(2, of=1)], candidate=1) == ([], [])
    assert resolve(store, [1, 3], [blessing(2, of=1), blessing(4, of=3)], candidate=3) == ([1], [2])


def test_the_latest_blessed_model_is_the_baseline_in_whatever_order_they_come(store: ml_metadata.MetadataStore) -> None:
    blessings = [blessing(4, of=3), blessing(6, of=5, blessed=False), blessing(2, of=1)]
    assert resolve(store, [3, 1, 5, 7], blessings, candidate=7) == ([3], [4])


def test_five_models_each_a_little_worse_do_not_lower_the_bar(tmp_path: Path) -> None:
    """Recorded in a real database: what is within 1 nat of the champion is blessed and pushed, as the Evaluator would."""
    store = ml_metadata.MetadataStore(sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")))
    elbo: dict[int, float] = {}

    def record(artifact: Artifact, **properties: int) -> int:
        for name, value in properties.items():
            artifact.set_int_custom_property(name, value)
        artifact.mlmd_artifact.type_id = store.put_artifact_type(artifact.artifact_type)
        [identity] = store.put_artifacts([artifact.mlmd_artifact])
        return int(identity)

    def all_of(type_: type[Artifact]) -> list[Artifact]:
        if type_.TYPE_NAME not in [known.name for known in store.get_artifact_types()]:
            return []
        known = store.get_artifact_type(type_.TYPE_NAME)
        return [deserialize_artifact(known, found) for found in store.get_artifacts_by_type(type_.TYPE_NAME)]

    def train(value: float) -> tuple[int | None, bool]:
        """The baseline, and whether the new model is blessed."""
        candidate = record(Model())
        elbo[candidate] = value
        found = ChampionStrategy().resolve_artifacts(
            store,
            {
                "model": all_of(Model),
                "model_blessing": all_of(ModelBlessing),
                "pushed_model": all_of(PushedModel),
                "candidate": [one for one in all_of(Model) if one.id == candidate],
            },
        )
        baseline = next((int(one.id) for one in found["model"]), None)
        blessed = baseline is None or value - elbo[baseline] <= 1.0
        compared = {} if baseline is None else {"baseline_model_id": baseline, "beats_baseline": int(value < elbo[baseline])}
        blessing = ModelBlessing()
        blessing.set_string_custom_property("judged_by", "negative_elbo")
        record(blessing, blessed=int(blessed), current_model_id=candidate, **compared)
        if blessed:
            record(PushedModel(), pushed=1, model_id=candidate)
        return baseline, blessed

    first = [train(100.0 + 0.4 * worse) for worse in range(5)]
    champion = min(elbo)
    assert first == [(None, True), (champion, True), (champion, True), (champion, False), (champion, False)]
    assert train(99.9) == (champion, True)
    assert train(100.0) == (min(elbo, key=elbo.__getitem__), True)


def test_an_older_model_that_was_blessed_again_later_is_the_latest(store: ml_metadata.MetadataStore) -> None:
    blessings = [blessing(2, of=1), blessing(4, of=3), blessing(5, of=1)]
    assert resolve(store, [1, 3, 6], blessings, candidate=6) == ([1], [5])


def test_a_model_that_was_refused_later_against_a_better_one_stays_blessed(store: ml_metadata.MetadataStore) -> None:
    blessings = [blessing(2, of=1), blessing(3, of=1, blessed=False)]
    assert resolve(store, [1, 4], blessings, candidate=4) == ([1], [2])


def test_a_blessed_model_that_was_deleted_is_passed_over(store: ml_metadata.MetadataStore) -> None:
    assert resolve(store, [1, 5], [blessing(2, of=1), blessing(4, of=3)], candidate=5) == ([1], [2])


def test_a_blessed_model_whose_files_are_gone_is_passed_over_with_a_warning(
    store: ml_metadata.MetadataStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there, gone = model(1), model(3)
    there.uri, gone.uri = str(tmp_path), str(tmp_path / "model" / "3")
    found = ChampionStrategy().resolve_artifacts(
        store, {"model": [there, gone], "model_blessing": [blessing(2, of=1), blessing(4, of=3)], "candidate": [model(5)]}
    )
    assert [artifact.id for artifact in found["model"]] == [1]
    assert f"its files are not in {gone.uri}" in caplog.text


def test_a_training_that_is_repeated_starts_from_the_model_that_it_started_from(tmp_path: Path) -> None:
    store = ml_metadata.MetadataStore(sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")))
    trainer = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Trainer"))
    kinds = {kind: store.put_artifact_type(kind().artifact_type) for kind in (Model, TransformGraph)}

    def record(kind: type[Artifact]) -> int:
        [identity] = store.put_artifacts([metadata_store_pb2.Artifact(type_id=kinds[kind])])
        return int(identity)

    def train() -> tuple[TransformGraph, int]:
        graph, trained = TransformGraph(), record(Model)
        graph.id = record(TransformGraph)
        [execution] = store.put_executions([metadata_store_pb2.Execution(type_id=trainer)])
        used, made = metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.OUTPUT
        for artifact, kind in ((graph.id, used), (trained, made)):
            store.put_events([metadata_store_pb2.Event(artifact_id=artifact, execution_id=execution, type=kind)])
        return graph, trained

    (first_graph, first), (second_graph, second) = train(), train()

    def start(graph: TransformGraph, *pushed: int) -> list[int]:
        found = ChampionStrategy().resolve_artifacts(
            store,
            {
                "model": [model(one) for one in pushed],
                "model_blessing": [blessing(100 + one, of=one) for one in pushed],
                "transform_graph": [graph],
            },
        )
        return [artifact.id for artifact in found["model"]]

    assert start(second_graph, first) == start(second_graph, first, second) == [first]
    assert start(first_graph) == start(first_graph, first) == []


def test_new_images_are_compared_with_those_of_the_latest_champion_that_was_trained_on_others(tmp_path: Path) -> None:
    history = History(tmp_path)
    first, second = history.run(), history.run()
    history.run(cached_from=second)

    def of_type(type_: type[Artifact]) -> list[Artifact]:
        known = history.store.get_artifact_type(type_.TYPE_NAME)
        return [deserialize_artifact(known, found) for found in history.store.get_artifacts_by_type(type_.TYPE_NAME)]

    def found(new: Sequence[int]) -> tuple[list[int], list[int]]:
        """The champion, and the examples that it was trained on."""
        examples = of_type(Examples)
        unseen = Examples()
        unseen.id = 999
        chosen = DriftStrategy().resolve_artifacts(
            history.store,
            {
                "model": of_type(Model),
                "model_blessing": of_type(ModelBlessing),
                "pushed_model": of_type(PushedModel),
                "examples": examples,
                "new_examples": [one for one in [*examples, unseen] if one.id in new],
            },
        )
        assert chosen["new_examples"] == chosen["model_blessing"] == chosen["pushed_model"] == []
        return [one.id for one in chosen["model"]], [one.id for one in chosen["examples"]]

    models, examples = ([run.artifacts[name] for run in (first, second)] for name in ("model", "examples"))
    assert found([999]) == ([models[1]], [examples[1]])
    assert found([examples[1]]) == ([models[0]], [examples[0]])
    assert found(examples) == ([models[1]], [examples[1]])

    shutil.rmtree(second.uris["examples"])
    assert found([999]) == ([models[0]], [examples[0]])
    shutil.rmtree(first.uris["model"])
    assert found([999]) == ([], [])


def test_transform_starts_from_the_latest_analysis_of_other_spans(tmp_path: Path) -> None:
    history = History(tmp_path)
    first, second = history.run(), history.run()
    history.run(cached_from=second)

    def found(*new: int) -> list[int]:
        spans = [Examples() for _ in new]
        for span, identity in zip(spans, new, strict=True):
            span.id = identity
        known = history.store.get_artifact_type("TransformCache")
        caches = [deserialize_artifact(known, one) for one in history.store.get_artifacts_by_type("TransformCache")]
        chosen = AnalysisStrategy().resolve_artifacts(history.store, {"analyzer_cache": caches, "new_examples": spans})
        assert chosen["new_examples"] == []
        return [one.id for one in chosen["analyzer_cache"]]

    caches, spans = ([run.artifacts[name] for run in (first, second)] for name in ("updated_analyzer_cache", "examples"))
    assert found(999) == found(*spans) == [caches[1]]
    assert found(spans[1]) == [caches[0]]  # a night without a new span finds what it found before

    shutil.rmtree(second.uris["updated_analyzer_cache"])
    assert found(999) == [caches[0]]
    shutil.rmtree(first.uris["updated_analyzer_cache"])
    assert found(999) == []
