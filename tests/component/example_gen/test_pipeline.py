"""TfdsExampleGen in a real pipeline, with TFX's cache and a stock component that reads its output."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.components import StatisticsGen
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline

from components.example_gen.component import TfdsExampleGen

BEAM_ARGUMENTS = ["--runner=FnApiRunner", "--sdk_container_image=none"]


@pytest.fixture
def run_pipeline(tmp_path: Path) -> Callable[..., str]:
    """Runs a pipeline of the component, and whatever reads it, and tells how TFX ended the component's execution."""

    def run(with_statistics: bool = False, **arguments: Any) -> str:
        example_gen = TfdsExampleGen(**arguments)
        components = [example_gen, *([StatisticsGen(examples=example_gen.outputs["examples"])] if with_statistics else [])]
        connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
        LocalDagRunner().run(
            Pipeline(
                pipeline_name="images",
                pipeline_root=str(tmp_path / "artifacts"),
                components=components,
                enable_cache=True,
                metadata_connection_config=connection,
                beam_pipeline_args=BEAM_ARGUMENTS,
            )
        )
        executions = MetadataStore(connection).get_executions()
        latest = max(
            (one for one in executions if "TfdsExampleGen" in one.name or "TfdsExampleGen" in one.type), key=lambda one: one.id
        )
        return str(metadata_store_pb2.Execution.State.Name(latest.last_known_state))

    return run


def store_pixels(store: Callable[..., Path], pictures: list[Any]) -> Path:
    features = {"image": tfds.features.Image(shape=(4, 4, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
    return store(features, train=[{"image": pixels, "label": 1} for pixels in pictures])


def test_a_second_run_is_served_from_the_cache_and_a_changed_dataset_is_not(
    run_pipeline: Callable[..., str], store: Callable[..., Path], pictures: Callable[..., Any]
) -> None:
    first, second = pictures(10, 4, 4, 1), pictures(11, 4, 4, 1)[1:]
    splits = {"train": "train[:8]", "eval": "train[8:]"}
    directory = store_pixels(store, first)
    assert run_pipeline(directory=directory, splits=splits) == "COMPLETE"
    assert run_pipeline(directory=directory, splits=splits) == "CACHED"
    assert run_pipeline(directory=directory, splits=splits | {"train": "train[:7]"}) == "COMPLETE"
    shutil.rmtree(directory)
    assert store_pixels(store, second) == directory
    assert run_pipeline(directory=directory, splits=splits) == "COMPLETE"
    assert run_pipeline(directory=directory, splits=splits) == "CACHED"


def test_the_stock_statistics_gen_reads_every_split_even_an_empty_one(
    tmp_path: Path, run_pipeline: Callable[..., str], store: Callable[..., Path], pictures: Callable[..., Any]
) -> None:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    directory = store_pixels(store, pictures(10, 4, 4, 1))
    run_pipeline(True, directory=directory, splits={"train": "train[:8]", "eval": "train[8:8]"}, shards=3)
    counts = {}
    for path in tmp_path.glob("artifacts/StatisticsGen/statistics/*/Split-*/FeatureStats.pb"):
        statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        counts[path.parent.name] = statistics.datasets[0].num_examples if statistics.datasets else 0
    assert counts == {"Split-train": 8, "Split-eval": 0}
