"""What Flink and Spark compute on a cluster is what this process computes, bit for bit but for one sum."""

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
import tensorflow_metadata.proto.v0.statistics_pb2 as statistics
from numpy.typing import NDArray
from PIL import Image
from support import digits as support
from support.engines import Engine, engine
from support.evaluating import EVERYTHING, evaluate, write_classifier
from support.workplace import Workplace, states
from tensorflow_transform import TFTransformOutput
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.types import standard_artifacts

from components.example_gen import driver, image_driver
from components.example_gen.component import TfdsExampleGen
from components.example_gen.executor import Executor as TfdsExecutor
from components.example_gen.image_component import ImageExampleGen
from components.example_gen.image_executor import Executor as ImageExecutor
from components.trainer.input_data import pixel_scale
from pipelines.beam.check import check_engine
from pipelines.beam.inference import score_dataset

HERE = support.BEAM
FRACTIONS = {"train": 0.6, "eval": 0.2, "test": 0.2}


# Spark starts two processes for each job.
_SKIP = pytest.mark.skipif(
    "ALL_ENGINES" not in os.environ, reason="takes half a CPU minute or more: set ALL_ENGINES=1 to run it"
)


def _on(*engines: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cluster", engines, indirect=True, scope="module")


on_both = _on("flink", "spark")
mainly_on_flink = _on("flink", pytest.param("spark", marks=_SKIP))


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with engine(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def there(cluster: Engine) -> list[str]:
    """Options of Beam for the cluster."""
    check_engine(cluster.beam)
    return cluster.beam.pipeline_args()


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    images = support.read_digits(90)
    return {"train": support.raw_examples(images[:60]), "eval": support.raw_examples(images[60:])}


def context(executor: Any, beam: Sequence[str], directory: Path) -> Any:
    return executor.Context(beam_pipeline_args=list(beam), tmp_dir=str(directory / "tmp"), unique_id="1")


def files(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


def records(pattern: str) -> list[bytes]:
    """Sorted, and with the features of each in one order."""
    read = tf.data.TFRecordDataset(tf.io.gfile.glob(pattern), "GZIP").as_numpy_iterator()
    return sorted(tf.train.Example.FromString(record).SerializeToString(deterministic=True) for record in read)


def transformed_images(data: support.Transformed, split: str) -> tuple[list[tuple[int, bytes]], NDArray[np.float32]]:
    """The labels and grey levels of a split, sorted, and the normalised pixels in the same order."""
    scale, found = pixel_scale(TFTransformOutput(str(data.graph))), []
    for record in tf.data.TFRecordDataset(tf.io.gfile.glob(data.pattern(split)), "GZIP").as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        normalized = np.array(features["image"].float_list.value, np.float32)
        levels = np.round(255 * scale.denormalize(normalized)).astype(np.uint8)
        found.append((features["label"].int64_list.value[0], levels.tobytes(), normalized))
    found.sort(key=lambda image: image[:2])
    return [image[:2] for image in found], np.stack([image[2] for image in found])


def ingest_dataset(prepared: Path, beam: Sequence[str], directory: Path) -> Path:
    component = TfdsExampleGen(
        directory=prepared, splits={"train": "train", "eval": "train[:9]", "test": "train[9:]"}, shards=3
    )
    given = {name: value for name, value in component.exec_properties.items() if value is not None}
    examples = standard_artifacts.Examples()
    examples.uri = str(directory)
    executor = TfdsExecutor(context(TfdsExecutor, beam, directory.parent))
    executor.Do({}, {"examples": [examples]}, driver.complete_properties(given))
    return directory


@mainly_on_flink
def test_tfds_example_gen_writes_the_same_files(there: list[str], tmp_path: Path):
    images = [{"image": image, "label": number % 10} for number, image in enumerate(support.read_digits(20))]
    features = {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": list(enumerate(images))},
        data_dir=tmp_path,
        disable_shuffling=True,
    )
    prepared = Path(builder.data_dir)

    here, on_engine = (files(ingest_dataset(prepared, beam, tmp_path / name)) for name, beam in (("a", HERE), ("b", there)))

    assert len(here) == 9
    assert here == on_engine


def write_images(folder: Path) -> None:
    for number, image in enumerate(support.read_digits(20)):
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(folder / str(number % 2) / f"{number}.png")


def ingest_folder(folder: Path, beam: Sequence[str], directory: Path) -> Path:
    component = ImageExampleGen(images=folder, fractions=FRACTIONS, shards=4)
    given = {name: value for name, value in component.exec_properties.items() if value is not None}
    examples = standard_artifacts.Examples()
    examples.uri = str(directory)
    executor = ImageExecutor(context(ImageExecutor, beam, directory.parent))
    executor.Do({}, {"examples": [examples]}, image_driver.complete_properties(given))
    return directory


@mainly_on_flink
def test_statistics_gen_describes_the_same(raw: dict[str, list[bytes]], there: list[str], tmp_path: Path):
    examples = support.write_raw(tmp_path / "raw", raw)

    def describe(beam: Sequence[str], directory: Path) -> list[statistics.DatasetFeatureStatisticsList]:
        output = standard_artifacts.ExampleStatistics()
        output.uri = str(directory)
        StatisticsGen(context(StatisticsGen, beam, directory)).Do(
            {"examples": [examples]}, {"statistics": [output]}, {"exclude_splits": "[]"}
        )
        return [
            statistics.DatasetFeatureStatisticsList.FromString((directory / f"Split-{split}" / "FeatureStats.pb").read_bytes())
            for split in raw
        ]

    assert describe(there, tmp_path / "b") == describe(HERE, tmp_path / "a")


@mainly_on_flink
def test_transform_computes_the_same(raw: dict[str, list[bytes]], there: list[str], tmp_path: Path):
    here, on_engine = (support.transform(raw, tmp_path / name, "unit", beam=beam) for name, beam in (("a", HERE), ("b", there)))

    for split in raw:
        assert records(here.pattern(split)) == records(on_engine.pattern(split))


@mainly_on_flink
def test_transform_computes_the_same_but_for_the_rounding_of_a_sum(
    raw: dict[str, list[bytes]], there: list[str], tmp_path: Path
):
    """tensorflow-transform adds up mean and variance in the order in which the parts come in."""
    here, on_engine = (
        support.transform(raw, tmp_path / name, "standardize", beam=beam) for name, beam in (("a", HERE), ("b", there))
    )

    for split in raw:
        (one, one_normalized), (other, other_normalized) = transformed_images(here, split), transformed_images(on_engine, split)
        assert one == other
        assert len(one) == len(raw[split])
        np.testing.assert_allclose(one_normalized, other_normalized, rtol=1e-5, atol=1e-6)


@mainly_on_flink
def test_the_evaluator_measures_the_same(digits: Any, make_talkative_model: Any, there: list[str], tmp_path: Path):
    write_classifier(tmp_path / "classifier")
    model = make_talkative_model(0.4, 12.5)

    here, on_engine = (
        evaluate(tmp_path / name, EVERYTHING, digits.directory, model, model, beam, classifier=str(tmp_path / "classifier"))
        for name, beam in (("a", HERE), ("b", there))
    )

    assert {"frechet_distance", "iw_nll", "latent_probe_accuracy/knn"} < here.metrics.keys()
    assert here == on_engine


class Scorer(tf.Module):
    """Answers as a pushed model does, by products of matrices that round."""

    def __init__(self) -> None:
        super().__init__()
        self._weights = tf.constant(np.random.default_rng(0).normal(size=(784, 5)), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        encoded = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})["image"]
        pixels = tf.map_fn(lambda png: tf.io.decode_png(png, 1), encoded, fn_output_signature=tf.uint8)
        code = tf.linalg.matmul(tf.reshape(tf.cast(pixels, tf.float32), [-1, 784]), self._weights)
        return {"latent_mean": code, "score": tf.reduce_sum(code**2, axis=1)}


@on_both
def test_infer_scores_the_same(raw: dict[str, list[bytes]], there: list[str], tmp_path: Path):
    support.write_raw(tmp_path / "raw", raw)
    scorer = Scorer()
    tf.saved_model.save(scorer, str(tmp_path / "model"), signatures={"serving_default": scorer.serving_default})
    patterns = [str(tmp_path / "raw" / f"Split-{split}" / "*") for split in raw]

    for name, beam in (("a", HERE), ("b", there)):
        assert score_dataset(patterns, tmp_path / "model", tmp_path / name, beam) == 90

    here, on_engine = (sorted(pq.read_table(tmp_path / name).to_pylist(), key=json.dumps) for name in ("a", "b"))
    assert here == on_engine


@pytest.mark.timeout(1800)
@mainly_on_flink
def test_a_whole_run_succeeds(cluster: Engine, tmp_path: Path):
    (tmp_path / "home").mkdir()
    workplace = Workplace(tmp_path / "runs", tmp_path / "home")

    run = workplace.run(
        f"runtime.beam={cluster.beam.model_dump_json(exclude_defaults=True)}",
        "data.splits={train: 'train[:400]', eval: 'train[1600:1700]', test: 'test[:100]'}",
        "infra_validator.enabled=false",
        "evaluator.importance_weighted.enabled=false",
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert set(states(run.stdout).values()) == {"ran"}
    assert len(workplace.versions()) == 1


@on_both
def test_image_example_gen_writes_the_same_files_though_a_worker_is_killed(cluster: Engine, there: list[str], tmp_path: Path):
    # Whoever reads this file waits, until its name leads to another.
    write_images(tmp_path / "images")
    last, whole = tmp_path / "images" / "1" / "19.png", tmp_path / "19.png"
    last.rename(whole)
    os.mkfifo(last)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(ingest_folder, tmp_path / "images", there, tmp_path / "b")
        waiting = os.open(last, os.O_WRONLY)
        image = whole.read_bytes()
        whole.rename(last)
        cluster.kill_one()
        # Who waits lives if the other was killed.
        with suppress(BrokenPipeError):
            os.write(waiting, image)
        os.close(waiting)
        on_engine = files(running.result())

    here = files(ingest_folder(tmp_path / "images", HERE, tmp_path / "a"))
    assert len(here) > 12
    assert here == on_engine
