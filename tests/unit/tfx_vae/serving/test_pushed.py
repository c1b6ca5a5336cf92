"""Which version is chosen."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from components.errors import ConfigurationError
from tfx_vae.serving.pushed import find_pushed


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("exported") / "model"
    tf.saved_model.save(tf.Module(), str(directory))
    return directory


def push(base: Path, exported: Path, *names: str) -> None:
    for name in names:
        shutil.copytree(exported, base / name)


def test_the_newest_version_is_the_one_with_the_highest_number(tmp_path: Path, exported: Path):
    push(tmp_path, exported, "9", "10", "7")

    assert find_pushed(tmp_path) == (10, tmp_path / "10")
    assert find_pushed(tmp_path, 9) == (9, tmp_path / "9")


def test_newer_versions_that_cannot_be_loaded_are_passed_over_and_named(
    tmp_path: Path, exported: Path, caplog: pytest.LogCaptureFixture
):
    push(tmp_path, exported, "9", "10", "1900000000", "1" * 26)
    shutil.rmtree(tmp_path / "10" / "variables")
    (tmp_path / "1900000000" / "saved_model.pb").write_bytes(b"broken")

    assert find_pushed(tmp_path).version == 9
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/1900000000 is passed over: saved_model.pb is cut short or corrupt.",
        f"{tmp_path}/10 is passed over: variables/variables.data-00000-of-00001 is missing.",
    ]


def test_where_no_version_can_be_loaded_the_reason_is_given(tmp_path: Path, exported: Path):
    push(tmp_path, exported, "9")
    (tmp_path / "9" / "saved_model.pb").write_bytes(b"")

    with pytest.raises(ConfigurationError, match=r"^No version in .* can be loaded: in .*/9, saved_model.pb is empty"):
        find_pushed(tmp_path)


def test_a_directory_without_versions_and_a_missing_version_are_named(tmp_path: Path, exported: Path):
    with pytest.raises(ConfigurationError, match=r"No model was pushed to .*/nowhere yet: run the pipeline"):
        find_pushed(tmp_path / "nowhere")
    push(tmp_path, exported, "1", "2")
    with pytest.raises(ConfigurationError, match=r"There is no version 3 in .*; there are 1, 2"):
        find_pushed(tmp_path, 3)
