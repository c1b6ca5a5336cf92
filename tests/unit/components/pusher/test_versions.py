import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import PipelineError
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
        ([".pushing-host-2000", "README.md", "9999.tmp", "²", "12345678901234567890123456"], 1000),
    ],
)
def test_a_version_is_the_second_it_was_pushed_in_but_always_newer_than_all_others(existing: list[str], expected: int) -> None:
    assert next_version(existing, now=1000.9) == expected


def test_where_no_number_is_higher_the_version_in_the_way_is_named() -> None:
    with pytest.raises(PipelineError, match=r"^No version can be newer than 9223372036854775807 "):
        next_version([str(2**63 - 1)], now=1000.9)


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


@pytest.mark.parametrize("name", [".pushing-notes.txt", ".pushing-host-backup", f".pushing-host-{'9' * 30}", ".pushing-"])
@pytest.mark.parametrize("is_file", [True, False])
def test_what_only_looks_like_a_leftover_stays_and_stops_no_push(tmp_path: Path, name: str, is_file: bool) -> None:
    foreign = tmp_path / name.replace("host", socket.gethostname())
    if is_file:
        foreign.write_text("mine")
    else:
        foreign.mkdir()
    version = push(tmp_path, write)
    assert names(tmp_path) == sorted([foreign.name, version.name])


@pytest.fixture
def umask() -> Iterator[None]:
    """Files and directories that this process makes are closed to other accounts."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_every_account_may_read_what_is_pushed_whatever_the_umask(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def copy(staging: Path) -> None:
        write(staging)
        (staging / "variables").mkdir()

    base = tmp_path / "serving"
    version = push(base, copy)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (version, *version.rglob("*"))}
    assert modes == {version.name: 0o755, "variables": 0o755, "saved_model.pb": 0o644}
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "tfx_vae.pusher"]
    assert warning.startswith("Only this account can read the pushed model, because of the permissions of /")
    assert warning.endswith(f"chmod a+rx {base}")


def test_nothing_is_said_of_permissions_where_the_umask_is_the_usual_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "serving").mkdir(mode=0o700)
    push(tmp_path / "serving", write)
    assert caplog.records == []
