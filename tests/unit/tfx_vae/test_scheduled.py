"""Runs that cron or a timer starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.config import PipelineConfig
from pipelines.local import session
from pipelines.mlmd.lock import try_lock
from tfx_vae.cli import main

SMOKE = Path(__file__).parents[3] / "pipelines" / "configs" / "smoke.yaml"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the pipelines whose runs begin; a run itself is another test's."""
    names: list[str] = []

    def run(config: PipelineConfig) -> int:
        names.append(config.name)
        return 7

    monkeypatch.setattr(session, "run", run)
    return names


def call(root: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["run", "--scheduled", "--config", str(SMOKE), "--set", f"runtime.root={root}", *words])
    return done.exit_code, done.output


def test_a_scheduled_run_ends_as_any_other(tmp_path: Path, started: list[str]):
    assert call(tmp_path) == (7, "")
    assert call(tmp_path) == (7, "")
    assert started == ["mnist-smoke"] * 2


def test_while_one_goes_on_the_next_does_nothing_and_says_of_which(tmp_path: Path, started: list[str]):
    with try_lock(tmp_path / "mnist-smoke.schedule.lock", "the scheduled run of mnist-smoke"):
        status, output = call(tmp_path)
        assert call(tmp_path, "--set", "name=another")[0] == 7
    assert status == 0
    assert "Nothing is done: the scheduled run of mnist-smoke (process " in output
    assert started == ["another"]


def test_a_run_that_was_killed_does_not_hold_the_lock(tmp_path: Path, started: list[str]):
    path = tmp_path / "mnist-smoke.schedule.lock"
    code = (
        "import os, pathlib, signal; from pipelines.mlmd.lock import try_lock\n"
        f"with try_lock(pathlib.Path({str(path)!r}), 'x'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert call(tmp_path) == (7, "")


def test_a_root_that_cannot_be_written_is_named(started: list[str]):
    status, output = call(Path("/proc/runs"))
    assert status == 1
    assert "/proc/runs/mnist-smoke.schedule.lock cannot be written" in output
    assert started == []
