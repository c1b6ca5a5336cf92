"""What is refused before anything slow is imported, and runs that cron or a timer starts."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    ("command", "kilobytes"), [("run", 3_000_000), ("sample --model .", 2_000_000), ("serve --port 0", 2_000_000)]
)
def test_a_limit_of_the_address_space_in_which_tensorflow_aborts_is_refused_in_a_sentence(
    tmp_path: Path, command: str, kilobytes: int
):
    (tmp_path / "saved_model.pb").touch()
    program = "from tfx_vae.cli import main; main()"
    settings = f"--config {SMOKE} --set runtime.root={tmp_path}"
    command = f"cd {tmp_path}; ulimit -v {kilobytes}; {sys.executable} -c '{program}' {command} {settings}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"limited to {kilobytes * 1024 / 1e9:.1f} GB" in done.stderr
    assert "ulimit -v unlimited" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'feature {\n name: "image"\n', 'is not a schema; line 2, column 8: Expected "}".'),
        (
            b"feature { kind: 1 }",
            'is not a schema; line 1, column 11: Message type "tensorflow.metadata.v0.Feature" has no field',
        ),
        (b"\x0a\x80\xff", "is not text; write the schema in the text format of schema/schema.pbtxt."),
    ],
    ids=["cut short", "with an unknown field", "binary"],
)
def test_a_schema_that_cannot_be_read_is_refused_with_the_place(tmp_path: Path, content: bytes, reason: str):
    schema = tmp_path / "schema.pbtxt"
    schema.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        session.check(config(tmp_path, f"data.schema_path={schema}"))
    assert str(caught.value).startswith(f"data.schema_path: {schema} {reason}")


def test_a_missing_dataset_directory_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"data\.directory: there is no directory /nowhere"):
        session.check(config(tmp_path, "data.dataset=null", "data.directory=/nowhere"))


@pytest.mark.parametrize("key", ["runtime.root", "data.data_dir"])
def test_a_directory_that_would_be_taken_for_a_pattern_is_refused(tmp_path: Path, key: str):
    with pytest.raises(
        ConfigurationError, match=rf"^{key}: .*/runs\[x\] contains \[ \], which TensorFlow and Beam take for a pattern"
    ):
        session.check(config(tmp_path, f"{key}={tmp_path}/runs[x]"))


def test_a_run_date_is_refused_outside_kubeflow(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"data\.directory: \{run_date\} is the date of a run on Kubeflow"):
        session.check(config(tmp_path, "data.dataset=null", f"data.directory={tmp_path}/{{run_date}}"))


def test_a_runner_that_is_not_installed_is_refused(tmp_path: Path):
    session.check(config(tmp_path, "runtime.beam.runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"))
    with pytest.raises(ConfigurationError, match=r"runtime\.beam\.runner: mine\.of\.Runner is not installed"):
        session.check(config(tmp_path, "runtime.beam.runner=mine.of.Runner"))


def test_a_program_of_prism_that_is_not_there_is_named(tmp_path: Path):
    prism = ("runtime.beam.runner=PrismRunner", "runtime.beam.options.prism_location=/nowhere/prism")
    with pytest.raises(ConfigurationError, match=r"prism_location: there is no file /nowhere/prism"):
        session.check(config(tmp_path, *prism))


@pytest.mark.parametrize("key", ["runtime.root", "pusher.serving_dir", "data.data_dir"])
def test_a_directory_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path, key: str):
    (tmp_path / "file").write_text("")

    with pytest.raises(PipelineError, match=rf"{tmp_path}/file/below cannot be written \(Not a directory\): .*--set {key}"):
        session.check(config(tmp_path, f"{key}={tmp_path}/file/below"))


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for datasets in which nothing may be written, not even by root."""
    directory = tmp_path / "read-only"
    temporary_file = tempfile.TemporaryFile

    def refuse(*arguments: Any, **others: Any) -> Any:
        if others.get("dir") == directory:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return temporary_file(*arguments, **others)

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    return directory


@pytest.mark.parametrize("dataset", ["mnist", "emnist/digits", "mnist:3.0.1"])
def test_a_directory_for_datasets_may_be_read_only_once_the_dataset_is_prepared(tmp_path: Path, read_only: Path, dataset: str):
    overrides = (f"data.dataset={dataset}", f"data.data_dir={read_only}")
    version = read_only / dataset.partition(":")[0] / "3.0.1"
    incomplete = version.with_name("incomplete.ABC_3.0.1")
    for directory in (version, incomplete):
        directory.mkdir(parents=True)
    (incomplete / "dataset_info.json").touch()
    with pytest.raises(
        PipelineError, match=rf"^{read_only} cannot be written \(Read-only file system\): .*--set data.data_dir="
    ):
        session.check(config(tmp_path, *overrides))

    (version / "dataset_info.json").touch()
    session.check(config(tmp_path, *overrides))


def test_a_directory_for_datasets_is_not_needed_where_a_prepared_one_is_named(tmp_path: Path, read_only: Path):
    session.check(config(tmp_path, "data.dataset=null", f"data.directory={tmp_path}", f"data.data_dir={read_only}"))


def test_temporary_files_that_cannot_be_written_are_found_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(PipelineError, match=rf"^Temporary files cannot be written to {tmp_path}/gone .* variable TMPDIR\.$"):
        session.check(config(tmp_path))


def test_where_docker_is_wanted_and_not_there_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    session.check(config(tmp_path))

    with pytest.raises(
        ConfigurationError, match=r"^infra_validator\.docker: Docker does not answer .* --set infra_validator\.docker=false"
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
