"""Real datasets, small ones written on the fly, and the real driver and executor over them."""

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tfx.types import standard_artifacts

from components.example_gen.component import TfdsExampleGen
from components.example_gen.driver import complete_properties
from components.example_gen.executor import Executor
from components.progress import LOGGER_NAME, Progress

REPOSITORY: Final = Path(__file__).resolve().parents[3]
BEAM_ARGUMENTS: Final = ["--runner=FnApiRunner", "--sdk_container_image=none"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Output:
    """What a run of the component left behind."""

    examples: standard_artifacts.Examples
    properties: dict[str, Any]

    def files(self, split: str) -> list[Path]:
        """Every file of a split, in order."""
        return sorted(Path(self.examples.uri, f"Split-{split}").iterdir())

    def records(self, split: str) -> list[bytes]:
        """The serialized examples of a split, in the order of its files."""
        files = [str(path) for path in self.files(split)]
        batches = tf.data.TFRecordDataset(files, "GZIP").batch(1024).as_numpy_iterator()
        return [record for batch in batches for record in batch]

    def decoded(self, split: str) -> list[dict[str, Any]]:
        """The examples of a split: `image` as pixels, `label` as int."""
        return [_decoded(record) for record in self.records(split)]


def _decoded(record: bytes) -> dict[str, Any]:
    features = tf.train.Example.FromString(record).features.feature
    (png,) = features["image"].bytes_list.value
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    decoded: dict[str, Any] = {name: list(feature.int64_list.value) for name, feature in features.items() if name != "image"}
    return decoded | {"image": tf.io.decode_png(png).numpy()}


@pytest.fixture
def run_component(tmp_path: Path) -> Callable[..., Output]:
    """Runs driver and executor as TFX's launcher does, with the arguments of the component."""
    runs = 0

    def run(**arguments: Any) -> Output:
        nonlocal runs
        runs += 1
        given = {name: value for name, value in TfdsExampleGen(**arguments).exec_properties.items() if value is not None}
        completed = complete_properties(given)
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / "output" / str(runs))
        context = Executor.Context(beam_pipeline_args=BEAM_ARGUMENTS, tmp_dir=str(tmp_path / "beam"), unique_id=str(runs))
        Executor(context).Do({}, {"examples": [examples]}, completed)
        return Output(examples, completed)

    return run


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small dataset with tensorflow-datasets, in the given order, and gives the directory that it is prepared in."""

    def write(
        features: Mapping[str, tfds.features.FeatureConnector],
        name: str = "tiny",
        files: int = 1,
        **splits: list[dict[str, Any]],
    ) -> Path:
        builder = tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(dict(features)),
            split_datasets={split: list(enumerate(examples)) for split, examples in splits.items()},
            data_dir=tmp_path / "stored",
            download_config=tfds.download.DownloadConfig(num_shards=files),
            disable_shuffling=True,
        )
        return Path(builder.data_dir)

    return write


@pytest.fixture
def pictures() -> Callable[..., list[Pixels]]:
    """Random images, the same ones every time."""

    def draw(count: int, *shape: int) -> list[Pixels]:
        return list(np.random.default_rng(7).integers(0, 256, (count, *shape), dtype=np.uint8))

    return draw


@dataclass(frozen=True)
class PreparedMnist:
    """MNIST as the component prepared it, once for all tests."""

    data_dir: Path
    manual_dir: Path
    reports: list[Progress]

    @property
    def arguments(self) -> dict[str, Any]:
        return {"dataset": "mnist", "data_dir": self.data_dir, "manual_dir": self.manual_dir}


class _Listener(logging.Handler):
    def __init__(self, reports: list[Progress]) -> None:
        super().__init__()
        self._reports = reports

    def emit(self, record: logging.LogRecord) -> None:
        self._reports.append(record.__dict__["progress"])


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> PreparedMnist:
    """All of MNIST, prepared by the driver from the files in data/mnist, without a network."""
    prepared = PreparedMnist(tmp_path_factory.mktemp("datasets"), REPOSITORY / "data" / "mnist", [])
    given = {name: str(value) for name, value in prepared.arguments.items()}
    logger, listener = logging.getLogger(LOGGER_NAME), _Listener(prepared.reports)
    logger.addHandler(listener)
    level = logger.level
    logger.setLevel(logging.INFO)
    with no_network():
        complete_properties(given | {"splits": json.dumps({"all": "train+test"})})
    logger.setLevel(level)
    logger.removeHandler(listener)
    return prepared


@pytest.fixture
def without_network() -> Iterator[None]:
    with no_network():
        yield


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Every download goes to a proxy that is not there. No longer than needed: gRPC on this machine goes there, too."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patched.setenv(name, "http://127.0.0.1:9")
        yield
