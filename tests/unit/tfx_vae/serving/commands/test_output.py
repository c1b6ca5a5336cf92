"""A file is written completely or not at all."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError, PipelineError
from tfx_vae.serving.commands.output import check_writable, write_whole


def test_a_file_is_overwritten_only_with_force(tmp_path: Path):
    path = tmp_path / "a.png"
    check_writable(path, overwrite=False)
    path.write_bytes(b"old")
    with pytest.raises(ConfigurationError, match=r"a\.png exists: overwrite it with --force"):
        check_writable(path, overwrite=False)
    check_writable(path, overwrite=True)


def test_a_path_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        check_writable(tmp_path, overwrite=True)
    with pytest.raises(ConfigurationError, match="there is no directory"):
        check_writable(tmp_path / "nowhere" / "a.png", overwrite=False)
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        check_writable(Path("/dev/null"), overwrite=True)


def test_the_content_replaces_the_old_and_no_other_file_is_left(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_is_a_sentence(tmp_path: Path):
    blocked = tmp_path / "folder"
    (blocked / "inside").mkdir(parents=True)
    with pytest.raises(PipelineError, match="folder cannot be written: Is a directory"):
        write_whole(blocked, b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]
    with pytest.raises(PipelineError, match="No such file or directory"):
        write_whole(tmp_path / "nowhere" / "a.png", b"new")
