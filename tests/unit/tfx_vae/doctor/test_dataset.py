"""Whether the dataset is there, with the files of this project and with damaged copies of them."""

import shutil
from pathlib import Path

import pytest

from components.example_gen.config import DataConfig
from tfx_vae.doctor.check import Status
from tfx_vae.doctor.dataset import check_dataset, check_schema_file, registered_files

PROJECT = Path(__file__).parents[4]
MNIST = PROJECT / "data" / "mnist"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of MNIST's four files that may be damaged."""
    return Path(shutil.copytree(MNIST, tmp_path / "mnist"))


def prepare(directory: Path) -> Path:
    directory.mkdir(parents=True)
    (directory / "dataset_info.json").write_text("{}")
    return directory


def test_the_four_files_of_the_project_are_those_that_tensorflow_datasets_registers(tmp_path: Path) -> None:
    check = check_dataset(DataConfig(manual_dir=MNIST), tmp_path)
    assert check.status is Status.OK
    assert "4 source files" in check.found


def test_what_is_registered_is_read_with_and_without_a_configuration() -> None:
    assert {file.name for file in registered_files("mnist")} == {path.name for path in MNIST.glob("*.gz")}
    assert [file.name for file in registered_files("emnist/digits")] == ["gzip.zip"]
    assert registered_files("no_such_dataset") == []


def test_a_dataset_with_a_folder_of_its_own_is_found_too(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "shapes"
    folder.mkdir(parents=True)
    (folder / "checksums.tsv").write_text("https://host.org/a/b.zip\t12\tabc\tb.zip\n")
    (file,) = registered_files("shapes/small", tmp_path)
    assert (file.url, file.size, file.sha256, file.name) == ("https://host.org/a/b.zip", 12, "abc", "b.zip")


def test_a_truncated_file_is_named_with_what_it_has_and_should_have(copied: Path, tmp_path: Path) -> None:
    path = copied / "train-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])
    check = check_dataset(DataConfig(manual_dir=copied), tmp_path)
    assert check.status is Status.FAILURE
    assert "train-labels-idx1-ubyte.gz has 1,000 bytes of 28,881" in check.found
    assert "git checkout" in check.remedy


def test_a_file_of_the_right_size_with_other_content_is_a_failure(copied: Path, tmp_path: Path) -> None:
    path = copied / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    check = check_dataset(DataConfig(manual_dir=copied), tmp_path)
    assert check.status is Status.FAILURE
    assert check.found.endswith("t10k-labels-idx1-ubyte.gz has another checksum")


def test_a_missing_file_is_a_failure(copied: Path, tmp_path: Path) -> None:
    (copied / "train-images-idx3-ubyte.gz").unlink()
    check = check_dataset(DataConfig(manual_dir=copied), tmp_path)
    assert check.status is Status.FAILURE
    assert "train-images-idx3-ubyte.gz is missing" in check.found


def test_the_files_of_another_dataset_are_a_failure(tmp_path: Path) -> None:
    check = check_dataset(DataConfig(dataset="fashion_mnist", manual_dir=MNIST), tmp_path)
    assert check.status is Status.FAILURE
    assert check.found.endswith("and 2 more")
    assert "fashion_mnist" in check.remedy


def test_a_missing_file_does_not_matter_once_the_dataset_is_prepared_but_a_damaged_one_does(
    copied: Path, tmp_path: Path
) -> None:
    prepare(tmp_path / "datasets" / "mnist" / "3.0.1")
    (copied / "train-images-idx3-ubyte.gz").unlink()
    assert check_dataset(DataConfig(manual_dir=copied), tmp_path).status is Status.OK
    (copied / "train-labels-idx1-ubyte.gz").write_bytes(b"")
    assert check_dataset(DataConfig(manual_dir=copied), tmp_path).status is Status.FAILURE


def test_without_source_files_the_download_is_announced_with_its_host_and_size(tmp_path: Path) -> None:
    check = check_dataset(DataConfig(dataset="emnist/digits", manual_dir=None), tmp_path)
    assert (check.status, check.found) == (Status.WARNING, "emnist/digits: 562 MB will be downloaded from biometrics.nist.gov")
    assert "gzip.zip" in check.remedy


@pytest.mark.parametrize(
    ("folder", "version", "status"),
    [
        ("kmnist/3.0.1", None, Status.OK),
        ("kmnist/3.0.1", "3.0.1", Status.OK),
        ("kmnist/3.0.1", "2.0.0", Status.WARNING),
        ("kmnist/3.0.1.incompleteABC_3.0.1", None, Status.WARNING),
        ("kmnist_other/3.0.1", None, Status.WARNING),
    ],
)
def test_a_prepared_dataset_counts_if_it_is_whole_and_of_the_version(
    tmp_path: Path, folder: str, version: str | None, status: Status
) -> None:
    prepare(tmp_path / folder)
    data = DataConfig(dataset="kmnist", version=version, data_dir=tmp_path, manual_dir=None)
    assert check_dataset(data, tmp_path / "runs").status is status


def test_a_directory_must_hold_a_prepared_dataset(tmp_path: Path) -> None:
    directory = tmp_path / "mine" / "1.0.0"
    data = DataConfig(dataset=None, directory=directory)
    missing = check_dataset(data, tmp_path)
    assert missing.status is Status.FAILURE
    assert "data.directory" in missing.remedy
    prepare(directory)
    assert check_dataset(data, tmp_path).status is Status.OK


def test_an_unknown_dataset_is_a_warning_with_the_place_to_look(tmp_path: Path) -> None:
    check = check_dataset(DataConfig(dataset="no_such_dataset", manual_dir=None), tmp_path)
    assert check.status is Status.WARNING
    assert check.remedy


def test_a_schema_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    assert check_schema_file(DataConfig(schema_path=PROJECT / "schema" / "schema.pbtxt")).status is Status.OK
    check = check_schema_file(DataConfig(schema_path=tmp_path / "schema.pbtxt"))
    assert check.status is Status.FAILURE
    assert str(tmp_path / "schema.pbtxt") in check.found
    assert "data.schema_path" in check.remedy
