"""What is installed, against locks written for the purpose."""

import importlib.metadata
import py_compile
import sys
from pathlib import Path

import pytest

from tfx_vae.doctor.check import Status
from tfx_vae.doctor.environment import check_bytecode, check_packages, check_pip


def write_lock(directory: Path, versions: dict[str, str]) -> Path:
    dependencies = "".join(f'{{ name = "{name}" }},' for name in versions)
    project = (
        f'[[package]]\nname = "project"\nversion = "0.1.0"\nsource = {{ editable = "." }}\ndependencies = [{dependencies}]\n'
    )
    packages = [
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://pypi.org/simple" }}\n'
        for name, version in versions.items()
    ]
    path = directory / "uv.lock"
    path.write_text("\n".join([project, *packages]))
    return path


@pytest.fixture
def installed() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("click", "packaging", "psutil", "pyyaml", "rich")}


def test_what_is_installed_as_locked_is_well(tmp_path: Path, installed: dict[str, str]) -> None:
    check = check_packages(write_lock(tmp_path, installed))
    assert (check.status, check.found) == (Status.OK, "all 5 as in uv.lock")


def test_a_changed_version_is_named_with_the_one_that_should_be_there(tmp_path: Path, installed: dict[str, str]) -> None:
    check = check_packages(write_lock(tmp_path, {**installed, "rich": "1.2.3"}))
    assert check.status is Status.FAILURE
    assert f"rich {installed['rich']} (1.2.3 locked)" in check.found
    assert "click" not in check.found
    assert "make setup" in check.remedy


def test_a_missing_package_is_named(tmp_path: Path, installed: dict[str, str]) -> None:
    check = check_packages(write_lock(tmp_path, {**installed, "not-installed": "1.0"}))
    assert check.status is Status.FAILURE
    assert "not-installed missing (1.0 locked)" in check.found


def test_of_many_differences_the_first_three_are_named(tmp_path: Path, installed: dict[str, str]) -> None:
    check = check_packages(write_lock(tmp_path, dict.fromkeys(installed, "0.0.1")))
    assert check.found.endswith("and 2 more")
    assert [name for name in installed if name in check.found] == ["click", "packaging", "psutil"]


def test_two_ways_to_write_one_version_are_no_difference(tmp_path: Path, installed: dict[str, str]) -> None:
    assert check_packages(write_lock(tmp_path, {"click": f"{installed['click']}.0"})).status is Status.OK


def test_a_missing_lock_is_a_warning_and_a_damaged_one_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    missing = check_packages(path)
    path.write_text("not a lock")
    damaged = check_packages(path)
    assert (missing.status, damaged.status) == (Status.WARNING, Status.FAILURE)
    assert missing.remedy
    assert damaged.remedy


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = tmp_path / "large_package" / "__init__.py"
    source.parent.mkdir()
    source.write_text("raise AssertionError('it was imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    return source


def test_a_package_that_was_not_compiled_is_a_warning_with_the_command_that_compiles_it(package: Path) -> None:
    check = check_bytecode(["large_package"])
    assert check.status is Status.WARNING
    assert "large_package" in check.found
    assert check.remedy.endswith(f"-m compileall -q -j 0 {package.parent.parent}")


def test_a_compiled_package_is_well(package: Path) -> None:
    py_compile.compile(str(package))
    assert check_bytecode(["large_package"]).status is Status.OK


def test_pip_is_looked_for_where_the_interpreter_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_pip().status is Status.OK
    monkeypatch.setattr(sys, "path", [])
    check = check_pip()
    assert check.status is Status.FAILURE
    assert check.remedy
