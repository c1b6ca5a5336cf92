"""A database that cannot be read gives one sentence and 1, and is never written to."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from components.errors import PipelineError
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import sqlite_location

READING = (["runs"], ["show", "latest"], ["artifacts"], ["lineage", "1"], ["diff", "latest", "latest"], ["gc", "--dry-run"])


@pytest.fixture
def copy(past: Any, tmp_path: Path) -> Path:
    """A copy of a database that is in order."""
    path = tmp_path / "metadata.sqlite"
    path.write_bytes(past.history.location.path.read_bytes())
    return path


def is_missing(path: Path) -> None:
    path.unlink()


def is_empty(path: Path) -> None:
    path.write_bytes(b"")


def is_text(path: Path) -> None:
    path.write_text("metadata " * 1000)


def is_cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def is_newer(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE MLMDEnv SET schema_version = 11")


def is_older(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE MLMDEnv SET schema_version = 9")


def is_of_something_else(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE cookies (name TEXT)")


def is_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("words", [*READING, ["gc"]], ids=" ".join)
@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (is_missing, "There is no ML Metadata database"),
        (is_empty, "not one of ML Metadata"),
        (is_text, "is corrupt, or not a SQLite database"),
        (is_cut_off, "is corrupt"),
        (is_newer, "has schema version 11, but this command reads version 10"),
        (is_of_something_else, "not one of ML Metadata"),
        (is_a_directory, "is not a file: name the file"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    broken: Callable[[Path], None], sentence: str, words: list[str], copy: Path, ask: Callable[..., Result]
):
    broken(copy)
    before = copy.read_bytes() if copy.is_file() else None
    result = ask(sqlite_location(copy), *words)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert (copy.read_bytes() if copy.is_file() else None) == before


@pytest.mark.parametrize("broken", [is_text, is_cut_off, is_newer, is_older, is_a_directory])
def test_a_run_says_the_same_as_the_commands_that_read(broken: Callable[[Path], None], copy: Path, ask: Callable[..., Result]):
    broken(copy)
    said = ask(sqlite_location(copy), "runs").stderr.strip()
    with pytest.raises(PipelineError) as caught:
        open_store(sqlite_location(copy))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE Context SET last_update_time_since_epoch = 'x'", "(the table Context has a value of the wrong type)"),
        ("UPDATE Event SET type = 0.5 WHERE id = 1", "(the table Event has a value of the wrong type)"),
        ("UPDATE Artifact SET uri = x'00' WHERE id = 1", "(the table Artifact has a value of the wrong type)"),
        ("DROP TABLE ParentType", "(the table ParentType is missing)"),
    ],
)
def test_what_the_client_would_abort_at_or_wait_for_is_refused_before(
    damage: str, sentence: str, copy: Path, ask: Callable[..., Result]
):
    with sqlite3.connect(copy) as database:
        database.execute(damage)
    before = copy.read_bytes()
    result = ask(sqlite_location(copy), "gc")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert f"is corrupt {sentence}" in result.stderr
    assert copy.read_bytes() == before


def test_very_old_ages_keep_all(copy: Path, ask: Callable[..., Result]):
    result = ask(sqlite_location(copy), "gc", "--dry-run", "--older-than", "999999999d")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "Nothing to free.")


def test_a_locked_database_is_called_locked(copy: Path, ask: Callable[..., Result], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipelines.mlmd.connections._SECONDS_TO_WAIT_FOR_A_LOCK", 0.05)
    writer = sqlite3.connect(copy, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    result = ask(sqlite_location(copy), "runs")
    writer.close()
    assert result.exit_code == 1
    assert "is locked by another process" in result.stderr


def test_reading_leaves_no_trace(copy: Path, ask: Callable[..., Result]):
    before = copy.read_bytes()
    os.utime(copy, (0, 0))
    for words in READING:
        assert ask(sqlite_location(copy), *words).exit_code == 0
    assert copy.read_bytes() == before
    assert copy.stat().st_mtime == 0
    assert list(copy.parent.iterdir()) == [copy]


def test_the_connection_itself_refuses_to_write(copy: Path):
    from pipelines.mlmd.connections import reading

    with reading(sqlite_location(copy)) as connection, pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM Event")
