"""The doctor as a whole, on this machine, and what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from components.example_gen.config import DataConfig
from tfx_vae.doctor import Status, passed, render, run_checks
from tfx_vae.doctor.check import Check, failure, ok, warning

PROJECT = Path(__file__).parents[4]


@pytest.fixture
def data() -> DataConfig:
    return DataConfig(manual_dir=PROJECT / "data" / "mnist")


def printed(checks: list[Check]) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        render(checks, console)
    return capture.get()


def test_the_environment_that_runs_the_tests_is_what_the_lock_says(data: DataConfig, tmp_path: Path) -> None:
    checks = {check.name: check for check in run_checks(data, tmp_path, PROJECT)}
    for name in ("Python", "Platform", "C library", "Packages", "pip", "Runs", "Dataset"):
        assert checks[name].status is Status.OK, checks[name]


def test_a_warning_does_not_stop_a_run_but_a_failure_does() -> None:
    assert passed([ok("Python", "3.11.7"), warning("Bytecode", "not compiled", "compile it")])
    assert not passed([ok("Python", "3.11.7"), failure("pip", "missing", "install it")])


def test_a_remedy_is_printed_below_what_it_fixes() -> None:
    lines = printed([ok("Python", "3.11.7"), failure("pip", "missing", "make setup")]).splitlines()
    complaint = next(number for number, line in enumerate(lines) if "missing" in line)
    assert lines[complaint].split() == ["failure", "pip", "missing"]
    assert lines[complaint + 1].strip() == "To fix: make setup"


def test_the_verdict_counts_what_was_found() -> None:
    everything = [ok("a", "b"), warning("c", "d", "e"), failure("f", "g", "h"), failure("i", "j", "k")]
    assert printed(everything).splitlines()[-1] == "This machine cannot run it yet: 2 failures, 1 warning."
    assert printed(everything[:2]).splitlines()[-1] == "This machine can run it, with 1 warning."
    assert printed(everything[:1]).splitlines()[-1] == "This machine can run it."


def test_what_is_found_is_printed_as_it_is_even_where_it_looks_like_markup() -> None:
    assert "[data/mnist]" in printed([ok("Dataset", "[data/mnist]")])


def test_all_is_well_fits_on_a_screen_of_80_by_24(data: DataConfig, tmp_path: Path) -> None:
    lines = printed(run_checks(data, tmp_path, PROJECT)).splitlines()
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 80


def test_it_answers_without_loading_what_may_be_broken() -> None:
    program = "import sys, tfx_vae.doctor; print({'tensorflow', 'tfx', 'tensorflow_datasets'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert loaded.stdout.strip() == "set()"
