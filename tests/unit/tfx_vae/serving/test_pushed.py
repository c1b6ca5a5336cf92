"""What a serving directory holds."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from tfx_vae.serving.pushed import find_pushed, pushed_versions


def push(base: Path, *names: str) -> None:
    for name in names:
        (base / name).mkdir(parents=True)
        (base / name / "saved_model.pb").touch()


def test_the_newest_version_is_the_one_with_the_highest_number(tmp_path: Path):
    push(tmp_path, "9", "10", "7")

    assert [pushed.version for pushed in pushed_versions(tmp_path)] == [7, 9, 10]
    assert find_pushed(tmp_path) == (10, tmp_path / "10")
    assert find_pushed(tmp_path, 9) == (9, tmp_path / "9")


def test_what_is_being_copied_or_is_no_model_is_no_version(tmp_path: Path):
    push(tmp_path, "1", ".pushing-host-12", "v2")
    (tmp_path / "3").mkdir()

    assert [pushed.version for pushed in pushed_versions(tmp_path)] == [1]


def test_a_directory_without_versions_and_a_missing_version_are_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"No model was pushed to .*/nowhere yet: run the pipeline"):
        find_pushed(tmp_path / "nowhere")
    push(tmp_path, "1", "2")
    with pytest.raises(ConfigurationError, match=r"There is no version 3 in .*; there are 1, 2"):
        find_pushed(tmp_path, 3)
