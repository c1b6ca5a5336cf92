"""What this project needs of tensorflow-datasets below its public interface is there, and does what it did."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from components.progress import LOGGER_NAME, Progress

try:
    from tensorflow_datasets.core.utils import tqdm_utils

    from components.example_gen import private_tfds
    from components.example_gen.private_tfds import (
        SECONDS_BETWEEN_REPORTS,
        encode_images_together,
        parse_builder_name_kwargs,
        preparation_settings,
    )
except (ImportError, AttributeError) as error:
    pytest.fail(
        f"This version of tensorflow-datasets no longer has what components/example_gen/private_tfds.py builds on ({error}): "
        "look for its successor in tensorflow_datasets/core.",
        pytrace=False,
    )


def test_a_name_is_taken_apart() -> None:
    name, options = parse_builder_name_kwargs("huggingface:emnist/digits:3.1.0")
    assert (name.namespace, name.name, options) == ("huggingface", "emnist", {"config": "digits", "version": "3.1.0"})


@pytest.mark.parametrize("name", ["my digits", ""])
def test_what_is_no_name_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match="Parsing builder name"):
        parse_builder_name_kwargs(name)


def test_a_download_is_tried_five_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def refuse(session: requests.Session, url: str, **_: object) -> None:
        adapter: Any = session.get_adapter(url)
        attempts.append(adapter.max_retries.total + 1)
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "get", refuse)
    manager = tfds.download.DownloadManager(download_dir=tmp_path)
    with preparation_settings("mnist"), pytest.raises(requests.ConnectionError):
        manager.download("https://localhost/images.gz")
    assert attempts == [5]


@pytest.fixture
def reports(caplog: pytest.LogCaptureFixture) -> Iterator[list[Progress]]:
    """Everything that was reported so far."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.__dict__["progress"])

    heard: list[Progress] = []
    listener = Listener()
    with caplog.at_level(logging.INFO, LOGGER_NAME):
        logging.getLogger(LOGGER_NAME).addHandler(listener)
        yield heard
        logging.getLogger(LOGGER_NAME).removeHandler(listener)


def test_a_bar_of_tensorflow_datasets_becomes_reports(reports: list[Progress]) -> None:
    with preparation_settings("mnist"):
        bar = tqdm_utils.tqdm([1, 2, 3], desc="Generating train examples...", unit=" examples", total=3, mininterval=1.0)
        assert list(bar) == [1, 2, 3]
    assert reports == [Progress("preparing mnist: generating train examples", 1, 3, "examples")]


def test_reports_come_at_most_ten_times_a_second(reports: list[Progress]) -> None:
    started = time.monotonic()
    with preparation_settings("mnist"):
        for _ in tqdm_utils.tqdm(range(300), desc="Shuffling /a/long/path...", unit=" examples", total=300):
            time.sleep(0.001)
    allowed = (time.monotonic() - started) / SECONDS_BETWEEN_REPORTS + 1
    assert 2 <= len(reports) <= allowed
    assert {report.task for report in reports} == {"preparing mnist: shuffling examples"}
    assert [report.completed for report in reports] == sorted(report.completed for report in reports)


def test_the_bars_of_a_preparation_that_failed_are_not_reported_with_the_next_one(reports: list[Progress]) -> None:
    with contextlib.suppress(OSError), preparation_settings("mnist"), tqdm_utils.async_tqdm(total=4, desc="Dl Completed..."):
        raise OSError

    with preparation_settings("kmnist"), tqdm_utils.async_tqdm(total=0, desc="Dl Size...", unit=" MiB") as bar:
        bar.update_total(20)

    assert {report.task for report in reports} == {"preparing kmnist: dl size"}


def test_a_download_bar_that_grows_as_it_goes_is_reported(reports: list[Progress]) -> None:
    with preparation_settings("kmnist"), tqdm_utils.async_tqdm(total=0, desc="Dl Size...", unit=" MiB") as bar:
        bar.update_total(20)
        bar.update(5)
    assert reports == [Progress("preparing kmnist: dl size", 0, 20, "MiB")]


def test_the_bar_around_the_splits_is_left_out(reports: list[Progress]) -> None:
    with preparation_settings("mnist"):
        assert list(tqdm_utils.tqdm(["train", "test"], desc="Generating splits...", unit=" splits")) == ["train", "test"]
    assert reports == []


def test_the_bars_of_tensorflow_datasets_are_its_own_again_afterwards() -> None:
    before = tqdm_utils.tqdm_lib
    with pytest.raises(KeyError), preparation_settings("mnist"):
        assert tqdm_utils.tqdm_lib is not before
        raise KeyError
    assert tqdm_utils.tqdm_lib is before


class _Pictures(tfds.core.GeneratorBasedBuilder):
    """Fills the same array again and again; every third picture is a file already."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {"image": tfds.features.Image(shape=(5, 4, 3)), "label": tfds.features.ClassLabel(num_classes=7)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        del dl_manager
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        random, pixels = np.random.default_rng(0), np.zeros((5, 4, 3), np.uint8)
        for number in range(20):
            pixels[...] = random.integers(0, 256, pixels.shape)
            yield number, {"image": tf.io.encode_png(pixels).numpy() if number % 3 == 0 else pixels, "label": number % 7}


def test_images_that_are_encoded_together_have_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_tfds, "_PIXELS_AT_ONCE", 8 * 60)
    records = []
    for together in (False, True):
        builder = _Pictures(data_dir=tmp_path / str(together))
        if together:
            encode_images_together(builder)
            encoded = list(builder._generate_examples())
            assert all(isinstance(example["image"], bytes) for _, example in encoded)
        builder.download_and_prepare()
        [file] = Path(builder.data_dir).glob("*.tfrecord*")
        records.append(file.read_bytes())
    assert records[0] == records[1]
