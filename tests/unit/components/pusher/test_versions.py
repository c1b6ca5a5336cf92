import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher.versions import next_version, push


def write(staging: Path) -> None:
    staging.mkdir()
    (staging / "saved_model.pb").write_text("model")


def names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ([], 1000),
        (["999"], 1000),
        (["1000"], 1001),
        (["1000", "2000"], 2001),
        ([".pushing-host-2000", "README.md", "9999.tmp", "²"], 1000),
    ],
)
def test_a_version_is_the_second_it_was_pushed_in_but_always_newer_than_all_others(existing: list[str], expected: int) -> None:
    assert next_version(existing, now=1000.9) == expected


def test_pushes_within_one_second_make_versions_of_their_own(tmp_path: Path) -> None:
    versions = [push(tmp_path / "serving", write) for _ in range(3)]
    numbers = [int(version.name) for version in versions]
    assert numbers == sorted(set(numbers))
    assert names(tmp_path / "serving") == [str(number) for number in numbers]
    assert (versions[2] / "saved_model.pb").read_text() == "model"


def test_what_is_being_copied_is_no_version_yet(tmp_path: Path) -> None:
    def copy(staging: Path) -> None:
        write(staging)
        assert staging.parent == tmp_path
        assert [name for name in names(tmp_path) if name.isdigit()] == []

    push(tmp_path, copy)


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def copy(staging: Path) -> None:
        write(staging)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        push(tmp_path, copy)
    assert names(tmp_path) == []


def test_a_version_that_another_push_takes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def rename_after_another_push(staging: Path, version: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        version.mkdir()
        (version / "saved_model.pb").write_text("the other")
        return rename(staging, version)

    monkeypatch.setattr(Path, "rename", rename_after_another_push)
    mine = push(tmp_path, write)
    other = tmp_path / str(int(mine.name) - 1)
    assert (other / "saved_model.pb").read_text() == "the other"
    assert (mine / "saved_model.pb").read_text() == "model"


def test_leftovers_of_a_killed_push_are_removed_and_those_of_a_running_one_are_not(tmp_path: Path) -> None:
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    host = socket.gethostname()
    running = f".pushing-{host}-{os.getppid()}"
    elsewhere, long_ago_elsewhere = ".pushing-elsewhere-1", ".pushing-else-where-2"
    for name in (f".pushing-{host}-{finished.pid}", running, elsewhere, long_ago_elsewhere):
        (tmp_path / name / "variables").mkdir(parents=True)
    os.utime(tmp_path / long_ago_elsewhere, (0, 0))
    version = push(tmp_path, write)
    assert names(tmp_path) == sorted([running, elsewhere, version.name])
