"""A dataset is prepared whole or not at all, from the source files as they are now."""

import dataclasses
import errno
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow_datasets as tfds

from components.errors import DataError, PipelineError
from components.example_gen.dataset import DatasetLocation, open_dataset

COUNT = 20


class HandMadeDigits(tfds.core.GeneratorBasedBuilder):
    """A dataset made from a file that is fetched by hand, without a checksum."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "Ask the author for pixels.gz."
    generated: ClassVar[list[str]] = []

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(4, 4, 1))})
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples(dl_manager.manual_dir / "pixels.gz")}

    def _generate_examples(self, path: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        self.generated.append(str(path))
        with gzip.open(path) as file:
            pixels = np.frombuffer(file.read(), np.uint8).reshape(-1, 4, 4, 1)
        yield from ((index, {"image": image}) for index, image in enumerate(pixels))


@pytest.fixture
def location(tmp_path: Path) -> Iterator[DatasetLocation]:
    """The dataset above, with its source file in place and nothing prepared."""
    manual_dir = tmp_path / "manual"
    manual_dir.mkdir()
    write_pixels(manual_dir, 0)
    HandMadeDigits.generated.clear()
    yield DatasetLocation(dataset="hand_made_digits", data_dir=tmp_path / "data", manual_dir=manual_dir)
    HandMadeDigits.generated.clear()


def write_pixels(manual_dir: Path, value: int) -> None:
    (manual_dir / "pixels.gz").write_bytes(gzip.compress(bytes([value] * 16 * COUNT)))


def pixel_values(builder: tfds.core.DatasetBuilder) -> set[int]:
    return {int(value) for example in builder.as_dataset(split="train") for value in np.unique(example["image"])}


def left_behind(data_dir: Path) -> list[str]:
    """Everything in the data directory that is not a dataset, a lock or the place for downloads."""
    return [str(path) for path in data_dir.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_dataset_is_prepared_once(location: DatasetLocation) -> None:
    assert pixel_values(open_dataset(location)) == {0}
    assert pixel_values(open_dataset(location)) == {0}
    assert len(HandMadeDigits.generated) == 1


def test_a_changed_source_file_is_prepared_again(location: DatasetLocation) -> None:
    open_dataset(location)
    assert location.manual_dir is not None
    write_pixels(location.manual_dir, 9)
    assert pixel_values(open_dataset(location)) == {9}
    assert len(HandMadeDigits.generated) == 2


@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_the_version_makes_no_difference_to_that(location: DatasetLocation, version: str | None) -> None:
    location = DatasetLocation(location.dataset, version, None, location.data_dir, location.manual_dir)
    open_dataset(location)
    assert location.manual_dir is not None
    write_pixels(location.manual_dir, 9)
    assert pixel_values(open_dataset(location)) == {9}


def test_a_prepared_dataset_outlives_its_source_files(location: DatasetLocation) -> None:
    open_dataset(location)
    assert location.manual_dir is not None
    shutil.rmtree(location.manual_dir)
    assert pixel_values(open_dataset(location)) == {0}


def test_a_source_file_that_has_become_corrupt_is_named_and_the_old_copy_is_not_served(location: DatasetLocation) -> None:
    open_dataset(location)
    assert location.manual_dir is not None
    path = location.manual_dir / "pixels.gz"
    path.write_bytes(path.read_bytes()[:-10])
    for _ in range(2):
        with pytest.raises(
            DataError, match=rf"^hand_made_digits/1.0.0 cannot be prepared because {path} is cut short or corrupt"
        ):
            open_dataset(location)


def test_a_file_to_be_fetched_by_hand_that_is_not_there(location: DatasetLocation) -> None:
    assert location.manual_dir is not None
    (location.manual_dir / "pixels.gz").unlink()
    with pytest.raises(DataError) as caught:
        open_dataset(location)
    assert str(caught.value) == (
        f"hand_made_digits/1.0.0 has to be fetched by hand and put into {location.manual_dir}; tensorflow-datasets says:"
        " Ask the author for pixels.gz."
    )


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("version", [None, "1.0.0"])
def test_a_prepared_dataset_whose_description_is_damaged(location: DatasetLocation, name: str, version: str | None) -> None:
    location = dataclasses.replace(location, version=version)
    path = Path(open_dataset(location).data_dir) / name
    path.write_text(path.read_text()[:20])
    with pytest.raises(DataError) as caught:
        open_dataset(location)
    assert str(caught.value) == (
        f"{path} is cut short or corrupt: delete {path.parent}, so that the next run prepares the dataset again"
    )


@pytest.mark.parametrize("content", ["{", "", "[]", "[" * 10_000, '{"pixels.gz": 3}', '{"pixels.gz": {"path": "/"}}'])
def test_a_damaged_record_of_the_source_files(location: DatasetLocation, content: str) -> None:
    directory = Path(open_dataset(location).data_dir)
    (directory / "sources.json").write_text(content)
    with pytest.raises(DataError) as caught:
        open_dataset(location)
    assert str(caught.value) == (
        f"{directory}/sources.json is cut short or corrupt: delete it if the source files have not changed since the dataset"
        f" was prepared, or else {directory}, so that the next run prepares the dataset again"
    )


def test_a_directory_where_a_source_file_should_be(location: DatasetLocation) -> None:
    assert location.manual_dir is not None
    path = location.manual_dir / "pixels.gz"
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError) as caught:
        open_dataset(location)
    assert str(caught.value) == (
        f"hand_made_digits/1.0.0 cannot be prepared because {path}, one of its source files, is a directory: put the original"
        " file there"
    )


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_where_nothing_may_be_written_a_prepared_dataset_is_read_and_another_is_not_prepared(
    location: DatasetLocation, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    open_dataset(location)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert pixel_values(open_dataset(location)) == {0}
    assert location.manual_dir is not None
    write_pixels(location.manual_dir, 9)
    with pytest.raises(PipelineError) as caught:
        open_dataset(location)
    assert str(caught.value) == (
        f"hand_made_digits/1.0.0 has to be prepared, but {location.data_dir} cannot be written ({os.strerror(number)}): choose"
        " another directory with --set data.data_dir=DIRECTORY, or change its permissions"
    )


def test_temporary_files_that_cannot_be_written_are_not_taken_for_missing_sources(
    location: DatasetLocation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(PipelineError, match=rf"^Temporary files cannot be written to {tmp_path}/gone \(No such file"):
        open_dataset(location)


def test_a_failed_preparation_leaves_nothing_behind(location: DatasetLocation) -> None:
    assert location.manual_dir is not None and location.data_dir is not None
    (location.manual_dir / "pixels.gz").write_bytes(gzip.compress(b"\0" * 17))
    with pytest.raises(DataError, match=r"tensorflow-datasets cannot prepare hand_made_digits/1.0.0: ValueError: "):
        open_dataset(location)
    assert left_behind(location.data_dir) == []


def test_of_two_who_want_the_same_dataset_one_prepares_it_and_the_other_waits(location: DatasetLocation) -> None:
    opened: list[tfds.core.DatasetBuilder] = []
    threads = [threading.Thread(target=lambda: opened.append(open_dataset(location))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [pixel_values(builder) for builder in opened] == [{0}, {0}]
    assert len(HandMadeDigits.generated) == 1


def test_a_preparation_that_is_killed_leaves_nothing_that_is_taken_for_a_dataset(location: DatasetLocation) -> None:
    """In a separate process, which the dataset kills halfway through."""
    code = f"""
        import os, signal
        from pathlib import Path
        import test_preparation
        from components.example_gen.dataset import DatasetLocation, open_dataset
        whole = test_preparation.HandMadeDigits._generate_examples
        def killed(self, path):
            for index, example in whole(self, path):
                if index == {COUNT // 2}:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield index, example
        test_preparation.HandMadeDigits._generate_examples = killed
        data_dir, manual_dir = Path({str(location.data_dir)!r}), Path({str(location.manual_dir)!r})
        open_dataset(DatasetLocation(dataset="hand_made_digits", data_dir=data_dir, manual_dir=manual_dir))
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert location.data_dir is not None
    assert (location.data_dir / ".preparing" / "hand_made_digits-1.0.0").exists()
    assert not (location.data_dir / "hand_made_digits").exists()
    builder = open_dataset(location)
    assert builder.info.splits["train"].num_examples == COUNT
    assert not (location.data_dir / ".preparing" / "hand_made_digits-1.0.0").exists()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda content: content[:1000], "it has 1,000 bytes instead of 28,881"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "it has the right length but another checksum"),
    ],
    ids=["cut short", "with a flipped bit"],
)
def test_a_corrupt_file_of_mnist_is_named(tmp_path: Path, mnist: Any, damage: Callable[[bytes], bytes], found: str) -> None:
    manual_dir, data_dir = tmp_path / "manual", tmp_path / "data"
    shutil.copytree(mnist.manual_dir, manual_dir)
    path = manual_dir / "train-labels-idx1-ubyte.gz"
    path.chmod(0o644)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        open_dataset(DatasetLocation(dataset="mnist", data_dir=data_dir, manual_dir=manual_dir))
    assert str(caught.value) == (
        f"{path} is not the file that mnist/3.0.1 is made from: {found}, so it is cut short, corrupt, or belongs to another"
        " dataset; put the original there, or another directory into manual_dir"
    )
    assert left_behind(data_dir) == []


def test_a_directory_where_a_file_of_mnist_should_be_is_named(tmp_path: Path, mnist: Any) -> None:
    manual_dir = tmp_path / "manual"
    shutil.copytree(mnist.manual_dir, manual_dir)
    path = manual_dir / "train-labels-idx1-ubyte.gz"
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match=rf"^mnist/3.0.1 cannot be prepared because {path}, one of its .*, is a directory: "):
        open_dataset(DatasetLocation(dataset="mnist", data_dir=tmp_path / "data", manual_dir=manual_dir))


@pytest.mark.usefixtures("without_network")
def test_files_that_cannot_be_downloaded_are_listed_with_the_place_to_put_them(tmp_path: Path) -> None:
    manual_dir = tmp_path / "manual"
    manual_dir.mkdir()
    with pytest.raises(DataError) as caught:
        open_dataset(DatasetLocation(dataset="fashion_mnist", data_dir=tmp_path / "data", manual_dir=manual_dir))
    message = str(caught.value)
    assert message.startswith("fashion_mnist/3.0.1 cannot be downloaded from here: fetch t10k-images-idx3-ubyte.gz (http")
    assert message.endswith(f"on a machine that can, and put them into {manual_dir}")
