import hashlib
import os
from pathlib import Path

from components.artifacts.dataset import changed_sources, describe_sources, read_sources, write_sources


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    source = tmp_path / "images.gz"
    source.write_bytes(b"pixels")
    described = describe_sources({"images.gz": source})
    assert described["images.gz"].sha256 == hashlib.sha256(b"pixels").hexdigest()
    write_sources(tmp_path, described)
    assert read_sources(tmp_path) == described


def test_a_dataset_that_somebody_else_prepared_has_an_empty_record(tmp_path: Path) -> None:
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
