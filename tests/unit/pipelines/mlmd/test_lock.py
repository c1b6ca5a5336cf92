"""One at a time on a SQLite database, and what is left by those who were killed."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.mlmd.location import parse_url, sqlite_location
from pipelines.mlmd.lock import database_lock, is_locked, lock_path, locked

HOLDER = """
import contextlib, sys, time
from pathlib import Path
from pipelines.mlmd.location import sqlite_location
from pipelines.mlmd.lock import database_lock
with database_lock(sqlite_location(Path(sys.argv[1])), "run 1 of mnist-vae", lambda reason: contextlib.nullcontext()):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "m.sqlite")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_says_what_it_waits_for_and_goes_on_when_that_was_killed(holder: subprocess.Popen[str], tmp_path: Path):
    reasons: list[str] = []
    waits = threading.Event()

    @contextmanager
    def waiting(reason: str) -> Iterator[None]:
        reasons.append(reason)
        waits.set()
        yield

    entered = threading.Event()

    def second() -> None:
        with database_lock(sqlite_location(tmp_path / "m.sqlite"), "run 2", waiting):
            entered.set()

    thread = threading.Thread(target=second, daemon=True)
    thread.start()
    assert waits.wait(10)
    assert f"run 1 of mnist-vae (process {holder.pid} on " in reasons[0]
    assert not entered.wait(0.2)
    holder.send_signal(signal.SIGKILL)
    assert entered.wait(10)


def test_a_lock_that_is_free_is_taken_without_a_word(tmp_path: Path):
    def waiting(reason: str) -> None:
        raise AssertionError(reason)

    location = sqlite_location(tmp_path / "new" / "m.sqlite")
    for _ in range(2):
        with database_lock(location, "run", waiting):  # type: ignore[arg-type]
            assert is_locked(tmp_path / "new" / "m.sqlite.lock")
    assert is_locked(tmp_path / "new" / "m.sqlite.lock") is False


def test_a_link_to_a_database_has_the_lock_of_the_database(tmp_path: Path):
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "metadata.sqlite")
    links = sqlite_location(tmp_path / "link.sqlite"), sqlite_location(tmp_path / "x" / ".." / "metadata.sqlite")
    assert {lock_path(link) for link in links} == {tmp_path / "metadata.sqlite.lock"}


def test_a_server_is_not_locked():
    assert lock_path(parse_url("mysql://tfx@db/mlmd")) is None


def test_whether_a_file_is_locked_is_known_only_of_a_file_that_is_there(tmp_path: Path):
    log = tmp_path / "run.log"
    assert is_locked(log) is None
    log.touch()
    assert is_locked(log) is False
    with locked(log):
        assert is_locked(log) is True
    assert is_locked(log) is False


def test_a_process_that_was_forked_off_meanwhile_does_not_keep_the_lock(tmp_path: Path):
    code = (
        "import contextlib, os, signal, sys, time; from pathlib import Path\n"
        "from pipelines.mlmd.location import sqlite_location\n"
        "from pipelines.mlmd.lock import database_lock, is_locked\n"
        "with database_lock(sqlite_location(Path(sys.argv[1])), 'run', lambda reason: contextlib.nullcontext()):\n"
        "    child = os.fork()\n"
        "    if child == 0: time.sleep(60)\n"
        "print(is_locked(Path(sys.argv[1] + '.lock'))); os.kill(child, signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "m.sqlite")], capture_output=True, text=True, timeout=30)
    assert done.stdout == "False\n", done.stderr
