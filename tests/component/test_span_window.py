"""Which spans are used together."""

import json
from pathlib import Path

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.types.standard_artifacts import Examples, ExampleStatistics

from components.artifacts.data_verdict import DataVerdict
from components.resolver.span_window import SpanWindowStrategy


@pytest.fixture(scope="module")
def store() -> ml_metadata.MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    return ml_metadata.MetadataStore(config)


def examples(identity: int, span: int, version: int = 0, ingestion: str = "a", uri: str = "/") -> Examples:
    artifact = Examples()
    artifact.id, artifact.span, artifact.version, artifact.uri = identity, span, version, uri
    artifact.set_string_custom_property("ingestion", ingestion)
    return artifact


def statistics(identity: int, of: int) -> ExampleStatistics:
    artifact = ExampleStatistics()
    artifact.id = identity
    artifact.set_int_custom_property("examples_id", of)
    return artifact


def window(
    store: ml_metadata.MetadataStore, count: int, found: list[Examples], refused: int = 0, only_known: bool = False
) -> list[int]:
    """The ids of what is chosen; the statistics must be the latest ones of each."""
    verdict = DataVerdict()
    verdict.id = 999
    verdict.set_string_custom_property("passed_examples", json.dumps([one.id for one in found if one.id != refused]))
    described = [statistics(100 * again + one.id, of=one.id) for one in found for again in (2, 1)]
    chosen = SpanWindowStrategy(count, only_known).resolve_artifacts(
        store, {"examples": found, "statistics": described, "verdicts": [DataVerdict(), verdict], "current": found[-1:]}
    )
    assert [one.id for one in chosen["statistics"]] == [200 + one.id for one in chosen["examples"]]
    assert chosen["verdicts"] == [verdict]
    assert chosen["current"] == []
    return [int(one.id) for one in chosen["examples"]]


def test_the_latest_spans_are_chosen_the_oldest_first(store: ml_metadata.MetadataStore) -> None:
    found = [examples(3, span=20), examples(1, span=7), examples(2, span=5)]
    assert window(store, 0, found) == [2, 1, 3]
    assert window(store, 2, found) == [1, 3]  # spans that do not exist do not count
    assert window(store, 9, found) == [2, 1, 3]


def test_the_latest_version_of_a_span_replaces_the_others(store: ml_metadata.MetadataStore) -> None:
    assert window(store, 0, [examples(1, 1, version=2), examples(2, 1, version=1), examples(3, 2)]) == [1, 3]
    assert window(store, 0, [examples(4, 1), examples(2, 1), examples(5, 2)]) == [4, 5]  # or else what was read last


def test_what_was_refused_is_left_out(store: ml_metadata.MetadataStore) -> None:
    assert window(store, 0, [examples(1, 1), examples(2, 2), examples(3, 3)], refused=2) == [1, 3]


def test_before_the_gate_only_the_spans_of_earlier_runs_are_known(store: ml_metadata.MetadataStore) -> None:
    found = [examples(1, 1), examples(2, 2), examples(3, 3), examples(4, 2, version=1)]
    assert window(store, 0, found, refused=4, only_known=True) == [1, 3]  # the new version of span 2 replaces the old one
    assert window(store, 2, found, only_known=True) == [3]  # a run that is repeated finds what it found


def test_what_was_read_with_other_settings_or_was_deleted_is_left_out(store: ml_metadata.MetadataStore, tmp_path: Path) -> None:
    gone = examples(3, 3, uri=str(tmp_path / "gone"))
    assert window(store, 0, [examples(1, 1, ingestion="b"), examples(2, 2), gone, examples(4, 4)]) == [2, 4]
