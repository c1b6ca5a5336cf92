import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from components.artifacts.dataset import changed_sources, describe_sources, find_prepared, read_sources, write_sources
from components.errors import DataError


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    source = tmp_path / "images.gz"
    source.write_bytes(b"pixels")
    described = describe_sources({"images.gz": source})
    assert described["images.gz"].sha256 == hashlib.sha256(b"pixels").hexdigest()
    write_sources(tmp_path, described)
    assert read_sources(tmp_path) == described


def test_a_dataset_that_another_program_prepared_has_an_empty_record(tmp_path: Path) -> None:
    assert read_sources(tmp_path) == {}


def test_an_untouched_file_has_not_changed(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"same")
    assert changed_sources({"a": source}, describe_sources({"a": source})) == []


def test_a_file_of_another_content_has_changed_whether_its_length_has_or_not(tmp_path: Path) -> None:
    files = {"a": tmp_path / "a", "b": tmp_path / "b", "c": tmp_path / "c"}
    for path in files.values():
        path.write_bytes(b"first")
    recorded = describe_sources(files)
    files["a"].write_bytes(b"other")
    os.utime(files["a"], ns=(0, 0))
    files["b"].write_bytes(b"longer than it was")
    assert changed_sources(files, recorded) == [files["a"], files["b"]]


def test_the_same_content_written_anew_or_elsewhere_has_not_changed(tmp_path: Path) -> None:
    source, copy = tmp_path / "a", tmp_path / "copy"
    source.write_bytes(b"same")
    recorded = describe_sources({"a": source})
    copy.write_bytes(b"same")
    os.utime(source, ns=(0, 0))
    assert changed_sources({"a": source}, recorded) == []
    assert changed_sources({"a": copy}, recorded) == []


def test_files_that_only_one_side_knows_do_not_count(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x")
    assert changed_sources({"new": source}, describe_sources({"old": source})) == []


def test_a_source_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    source = tmp_path / "a"
    source.write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=rf"^{source} cannot be read: change its permissions"):
        describe_sources({"a": source})


@pytest.mark.parametrize("dataset", ["emnist/digits", "emnist/digits:3.0.1"])
def test_a_prepared_dataset_is_found_by_its_name_and_version(tmp_path: Path, dataset: str) -> None:
    for directory in ("emnist/letters/3.1.0", "emnist/digits/incomplete.X_3.1.0", "emnist/digits/3.0.1", "mnist/3.0.1"):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "dataset_info.json").touch()
    assert find_prepared(tmp_path, dataset, None) == tmp_path / "emnist" / "digits" / "3.0.1"
    assert find_prepared(tmp_path, dataset, "3.0.1") == tmp_path / "emnist" / "digits" / "3.0.1"
    assert find_prepared(tmp_path, dataset, "3.1.0") is None
    assert find_prepared(tmp_path, "kmnist", None) is None
