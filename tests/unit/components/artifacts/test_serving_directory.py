"""Versions and what is wrong with them, told without TensorFlow.

Which version is chosen.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from components.artifacts.serving_directory import find_difference, find_fault, find_pushed, pushed_versions
from components.errors import ConfigurationError

INDEX = "variables/variables.index"
WEIGHTS = "variables/variables.data-00000-of-00001"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = tf.Module()
    module.weights = tf.Variable([1.0, 2.0])
    directory = tmp_path_factory.mktemp("exported") / "model"
    tf.saved_model.save(module, str(directory))
    return directory


@pytest.fixture
def model(exported: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def test_versions_are_the_folders_with_a_model_whose_names_are_numbers_of_64_bits(tmp_path: Path):
    for name in ("7", "10", "09", "v2", ".pushing-host-12", "²", "-3", "9223372036854775808", "1" * 26):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "11").mkdir()
    (tmp_path / "12").touch()

    assert pushed_versions(tmp_path) == [(7, tmp_path / "7"), (9, tmp_path / "09"), (10, tmp_path / "10")]


def test_a_serving_directory_that_does_not_exist_has_no_versions(tmp_path: Path):
    assert pushed_versions(tmp_path / "nowhere") == []


def test_an_exported_model_has_no_fault(model: Path):
    assert find_fault(model) == ""


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "saved_model.pb is empty or not a model"),
        (b"model", "saved_model.pb is empty or not a model"),
        (b"<html>404</html>", "saved_model.pb is cut short or corrupt"),
        (None, "saved_model.pb is missing"),
    ],
)
def test_a_broken_graph_is_a_fault(model: Path, content: bytes | None, fault: str):
    (model / "saved_model.pb").unlink() if content is None else (model / "saved_model.pb").write_bytes(content)
    assert find_fault(model) == fault


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_a_graph_that_is_cut_short_is_a_fault(model: Path, kept: float):
    content = (model / "saved_model.pb").read_bytes()
    (model / "saved_model.pb").write_bytes(content[: int(kept * len(content))])
    assert find_fault(model) == "saved_model.pb is cut short or corrupt"


@pytest.mark.parametrize("name", [INDEX, WEIGHTS])
def test_missing_variables_are_a_fault(model: Path, name: str):
    (model / name).unlink()
    assert find_fault(model) == f"{name} is missing"


def test_missing_files_of_variables_that_are_in_several_are_counted(model: Path):
    (model / WEIGHTS).rename(model / "variables/variables.data-00001-of-00003")
    assert find_fault(model) == "2 of 3 files of its variables are missing"


@pytest.mark.parametrize(
    ("damage", "difference"),
    [
        (lambda path: path.unlink(), f"{WEIGHTS} is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), f"{WEIGHTS} is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), f"{WEIGHTS} is damaged"),
        (lambda path: path.with_name("notes").touch(), ""),
    ],
    ids=["missing", "another byte", "shorter", "only one more file"],
)
def test_a_copy_differs_where_a_file_is_missing_or_damaged(
    exported: Path, model: Path, damage: Callable[[Path], None], difference: str
):
    assert find_difference(exported, model) == ""
    damage(model / WEIGHTS)
    assert find_difference(exported, model) == difference


def push(base: Path, *names: str) -> None:
    for name in names:
        (base / name).mkdir(parents=True)
        (base / name / "saved_model.pb").touch()


def test_the_newest_version_is_the_one_with_the_highest_number(tmp_path: Path):
    push(tmp_path, "9", "10", "7")

    assert find_pushed(tmp_path) == [(10, tmp_path / "10"), (9, tmp_path / "9"), (7, tmp_path / "7")]
    assert find_pushed(tmp_path, 9) == [(9, tmp_path / "9")]


def test_a_directory_without_versions_and_a_missing_version_are_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"No model was pushed to .*/nowhere yet: run the pipeline"):
        find_pushed(tmp_path / "nowhere")
    push(tmp_path, "1", "2")
    with pytest.raises(ConfigurationError, match=r"There is no version 3 in .*; there are 1, 2"):
        find_pushed(tmp_path, 3)
