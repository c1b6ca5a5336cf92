"""What `make`, the scripts it calls and continuous integration do, in a copy of the project without its environment."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DESCRIPTION = ("pyproject.toml", "uv.lock", "setup.py")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("Makefile", *DESCRIPTION):
        shutil.copy(PROJECT / name, tmp_path)
    for name in ("scripts", ".ci"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def ready(copy: Path) -> Path:
    """The copy, as it is after `make setup`."""
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for name in DESCRIPTION:
        age(copy / name, seconds=60)
    (copy / ".venv" / ".ready").touch()
    return copy


def age(path: Path, seconds: int) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def execute(directory: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as a person would, whatever make started the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON", "UV_"))}
    return subprocess.run(
        command,
        cwd=directory,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def is_up_to_date(directory: Path, target: str, *arguments: str) -> bool:
    return execute(directory, "make", "--question", target, *arguments).returncode == 0


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_make_alone_explains_every_target(copy: Path) -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (copy / "Makefile").read_text(), re.MULTILINE)
    assert declared
    explained = set(re.findall(r"^  make (\S+) +\S", execute(copy, "make").stdout, re.MULTILINE))
    assert explained == set(declared.group(1).split()) - {"anew"}


def test_run_takes_the_model_and_settings_as_they_were_written(ready: Path) -> None:
    printed = execute(ready, "make", "-n", "run", "MODEL=ae", "SET=data.splits.train=train[:100] trainer.epochs=3").stdout
    config = "--config pipelines/configs/mnist_ae.yaml"
    settings = "--set 'data.splits.train=train[:100]' --set 'trainer.epochs=3'"
    assert printed.strip() == f".venv/bin/tfx-vae run {config} {settings}"


def test_run_trains_a_vae_even_where_the_shell_has_a_model_of_its_own(ready: Path) -> None:
    assert "mnist_vae.yaml" in execute(ready, "make", "-n", "run", MODEL="t5").stdout


def test_setup_has_nothing_to_do_when_nothing_changed(ready: Path) -> None:
    assert is_up_to_date(ready, "setup")


@pytest.mark.parametrize("name", DESCRIPTION)
def test_setup_follows_a_changed_description(ready: Path, name: str) -> None:
    age(ready / name, seconds=-120)
    assert not is_up_to_date(ready, "setup")


def test_setup_makes_again_what_was_removed_or_has_lost_its_python(ready: Path) -> None:
    python = ready / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(ready / "gone")
    assert not is_up_to_date(ready, "setup")
    shutil.rmtree(ready / ".venv")
    assert not is_up_to_date(ready, "setup")


def test_the_environment_of_a_moved_or_copied_clone_is_made_anew(ready: Path, tmp_path: Path) -> None:
    (ready / ".venv" / ".place").write_text(f"{ready}\n")
    assert is_up_to_date(ready, "setup")
    link, copy = tmp_path.parent / f"{tmp_path.name}-link", tmp_path.parent / f"{tmp_path.name}-copy"
    link.symlink_to(ready)
    assert is_up_to_date(link, "setup")
    shutil.copytree(ready, copy, symlinks=True)
    assert not is_up_to_date(copy, "setup")
    ready.rename(ready.with_name("moved"))
    assert not is_up_to_date(ready.with_name("moved"), "setup")


@pytest.mark.parametrize("place", ["", "/somewhere/else"])
def test_setup_removes_an_environment_that_was_made_for_another_place(ready: Path, place: str) -> None:
    if place:
        (ready / ".venv" / ".place").write_text(place)
    (ready / ".venv" / "bin" / "tfx-vae").write_text("#!/somewhere/else/.venv/bin/python\n")
    write_program(ready / "bin" / "uv", '[ "$1" = --version ] && echo "uv 0.9.0" || mkdir -p .venv')
    execute(ready, "scripts/setup.sh", PATH=f"{ready / 'bin'}:{os.environ['PATH']}")
    assert not (ready / ".venv" / "bin" / "tfx-vae").exists()
    assert (ready / ".venv" / ".place").read_text() == f"{ready}\n"


def test_setup_for_a_gpu_adds_cuda(ready: Path) -> None:
    done = execute(ready, "make", "--dry-run", "setup", "GPU=1")
    assert 'pip install --no-config --python .venv/bin/python "tensorflow[and-cuda]"' in done.stdout
    assert "cuda" not in execute(ready, "make", "--dry-run", "setup").stdout


def test_setup_for_another_python_is_never_up_to_date(ready: Path) -> None:
    assert not is_up_to_date(ready, "setup", "PYTHON=python3.11")


def test_a_run_needs_no_test_tools_but_keeps_them_once_they_are_there(ready: Path) -> None:
    age(ready / "uv.lock", seconds=-120)
    without = execute(ready, "make", "-n", "run").stdout
    (ready / ".venv" / ".ready-for-tests").touch()
    assert "--extra dev" not in without
    assert "--extra dev" in execute(ready, "make", "-n", "run").stdout


def test_tests_add_their_tools_to_an_environment_that_is_ready_to_run(ready: Path) -> None:
    assert "--extra dev" in execute(ready, "make", "-n", "test").stdout
    (ready / ".venv" / ".ready-for-tests").touch()
    [command] = execute(ready, "make", "-n", "test").stdout.splitlines()
    assert command.startswith(".venv/bin/python -m pytest tests/e2e tests/component tests/unit ")


def test_the_python_that_was_named_is_taken(copy: Path) -> None:
    found = execute(copy, "scripts/find_python.sh", PYTHON=sys.executable)
    assert (found.returncode, found.stdout.strip()) == (0, sys.executable)


def test_a_python_that_does_not_start_is_passed_over(copy: Path) -> None:
    write_program(copy / "bin" / "python3.11", "echo 'not active' >&2; exit 127")
    write_program(copy / "bin" / "python3", f'exec {sys.executable} "$@"')
    found = execute(copy, "scripts/find_python.sh", PATH=f"{copy / 'bin'}:{os.defpath}")
    assert (found.returncode, found.stdout.strip()) == (0, sys.executable)


@pytest.mark.parametrize(
    ("program", "reason"),
    [(None, "was not found"), ("exit 127", "does not start"), ("echo is Python 3.9 >&2; exit 1", "is Python 3.9")],
)
def test_where_no_python_will_do_one_line_says_why_and_what_to_install(copy: Path, program: str | None, reason: str) -> None:
    python = copy / "bin" / "a python"
    if program:
        write_program(python, program)
    found = execute(copy, "scripts/find_python.sh", PYTHON=str(python))
    assert found.returncode == 1
    assert found.stdout == ""
    (line,) = found.stderr.splitlines()
    assert f"{python} {reason}" in line
    assert "apt install python3.11" in line


def test_setup_makes_the_environment_with_the_python_that_was_found(copy: Path) -> None:
    write_program(copy / "bin" / "uv", 'if [ "$1" = --version ]; then echo uv 0.13.0; else echo "$@"; mkdir .venv; fi')
    path = f"{copy / 'bin'}:{os.defpath}"
    refused = execute(copy, "make", "setup", "PYTHON=/no/such/python", PATH=path)
    assert refused.returncode != 0
    assert "Python 3.11 is needed" in refused.stderr
    assert not (copy / ".venv").exists()
    made = execute(copy, "make", "setup", f"PYTHON={sys.executable}", PATH=path)
    assert made.stdout.strip() == f"sync --locked --inexact --python {sys.executable}"


@pytest.mark.parametrize(
    ("version", "answer"),
    [("0.8.24", "own"), ("0.9.0", "installed"), ("0.13.9", "installed"), ("0.14.0", "own"), ("1.9.0", "own")],
)
def test_an_installed_uv_is_used_if_its_version_fits(copy: Path, version: str, answer: str) -> None:
    for name, directory, number in (("installed", copy / "bin", version), ("own", copy / ".tools" / "uv" / "bin", "0.13.0")):
        write_program(directory / "uv", f'if [ "$1" = --version ]; then echo uv {number}; else echo {name} "$@"; fi')
    # Without a Python, nothing is brought if the choice is wrong.
    used = execute(copy, "scripts/uv.sh", "sync", "--locked", PATH=f"{copy / 'bin'}:{os.defpath}", PYTHON="/no/such/python")
    assert used.stdout.strip() == f"{answer} sync --locked", used.stderr


def test_where_uv_cannot_be_brought_one_line_says_what_to_install(copy: Path) -> None:
    # As on a distribution that packages pip and venv apart from Python.
    for module in ("pip", "venv"):
        write_program(copy / "modules" / f"{module}.py", "raise ImportError")
    refused = execute(
        copy, "scripts/uv.sh", "sync", PATH=os.defpath, PYTHON=sys.executable, PYTHONPATH=str(copy / "modules"), HOME=str(copy)
    )
    assert refused.returncode == 1
    assert "neither pip nor venv" in refused.stderr.splitlines()[-1]
    assert "apt install python3-pip" in refused.stderr.splitlines()[-1]


def test_where_home_cannot_be_written_the_cache_lies_in_the_project(copy: Path) -> None:
    write_program(copy / "bin" / "uv", 'if [ "$1" = --version ]; then echo uv 0.13.0; else echo "$UV_CACHE_DIR"; fi')
    (copy / "home").write_text("a file, so that nobody can write below it, not even root")
    path = f"{copy / 'bin'}:{os.defpath}"
    nowhere = execute(copy, "scripts/uv.sh", "sync", PATH=path, HOME=str(copy / "home"), XDG_CACHE_HOME="")
    somewhere = execute(copy, "scripts/uv.sh", "sync", PATH=path, HOME=str(copy / "bin"), XDG_CACHE_HOME="")
    assert nowhere.stdout.strip() == str(copy / ".tools" / "cache")
    assert somewhere.stdout.strip() == str(copy / "bin" / ".cache" / "uv")


@pytest.mark.parametrize("failing", ["none", "test", "lint"])
def test_continuous_integration_tests_then_lints_and_fails_if_either_does(copy: Path, failing: str) -> None:
    targets = [f"{name}:\n\t@echo {name}\n\t@{'false' if name == failing else 'true'}\n" for name in ("test", "lint")]
    (copy / "Makefile").write_text("\n".join(targets))
    # Only root has packages installed, which a test must not do.
    write_program(copy / "bin" / "id", "echo 1000")
    done = execute(copy, "bash", ".ci/run", PATH=f"{copy / 'bin'}:{os.environ['PATH']}")
    assert done.stdout.split()[:2] == ["test", "lint"]
    assert (done.returncode == 0) is (failing == "none")
