"""What is refused before anything slow is imported, and runs that cron or a timer starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from components.errors import ConfigurationError, PipelineError
from pipelines.config import PipelineConfig, load_config
from pipelines.local import session
from pipelines.mlmd.lock import try_lock
from tfx_vae.cli import main

PROJECT = Path(__file__).parents[4]
SMOKE = PROJECT / "pipelines" / "configs" / "smoke.yaml"


def config(tmp_path: Path, *overrides: str) -> PipelineConfig:
    path = tmp_path / "config.yaml"
    path.write_text(f"name: study\nruntime: {{root: {tmp_path / 'runs'}}}\n")
    return load_config(path, overrides, base=PROJECT)


def test_a_good_configuration_passes_and_its_directories_are_made(tmp_path: Path):
    session.check(config(tmp_path))

    assert (tmp_path / "runs" / "serving" / "study").is_dir()


def test_a_missing_schema_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"data\.schema_path: there is no file /nowhere/schema\.pbtxt"):
        session.check(config(tmp_path, "data.schema_path=/nowhere/schema.pbtxt"))


def test_a_missing_dataset_directory_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"data\.directory: there is no directory /nowhere"):
        session.check(config(tmp_path, "data.dataset=null", "data.directory=/nowhere"))


@pytest.mark.parametrize("key", ["runtime.root", "pusher.serving_dir", "data.data_dir"])
def test_a_directory_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path, key: str):
    (tmp_path / "file").write_text("")

    with pytest.raises(PipelineError, match=rf"{tmp_path}/file/below cannot be written \(Not a directory\): .*--set {key}"):
        session.check(config(tmp_path, f"{key}={tmp_path}/file/below"))


def test_where_docker_is_wanted_and_not_there_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    session.check(config(tmp_path))

    with pytest.raises(
        ConfigurationError, match=r"^infra_validator\.docker: no Docker answers .* --set infra_validator\.docker=false"
    ):
        session.check(config(tmp_path, "infra_validator.docker=true"))


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
    assert "Nothing to do: the scheduled run of mnist-smoke (process " in output
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
