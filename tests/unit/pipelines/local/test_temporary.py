"""Temporary files of a run are deleted at its end, or, if it was killed, by the next one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipelines.local.temporary import abandoned_directories, temporary_directory


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_what_is_written_is_in_one_directory_and_gone_at_the_end(place: Path):
    with pytest.raises(KeyError), temporary_directory() as directory:
        assert directory.parent == place
        with tempfile.NamedTemporaryFile(delete=False) as file:
            assert Path(file.name).parent == directory
        child = subprocess.run(["mktemp"], capture_output=True, text=True, check=True)
        assert Path(child.stdout.strip()).parent == directory
        raise KeyError
    assert list(place.iterdir()) == []
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(place), str(place))


KILLED = """
import os, signal
from pipelines.local.temporary import temporary_directory
with temporary_directory() as directory:
    (directory / "file").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_run_deletes_what_a_killed_one_has_left_and_nothing_else(place: Path):
    (place / "mine").touch()
    (place / "tfx-vae-1.log").touch()
    with temporary_directory() as running:
        (running / "file").touch()
        tempfile.tempdir = str(place)
        assert subprocess.run([sys.executable, "-c", KILLED], env=os.environ | {"TMPDIR": str(place)}).returncode == -9
        [left] = abandoned_directories()
        with temporary_directory() as another:
            assert another not in (left, running)
            assert not left.exists()
            assert abandoned_directories() == []
        assert (running / "file").exists()
    assert {path.name for path in place.iterdir()} == {"mine", "tfx-vae-1.log"}
