"""What is installed, against this project's uv.lock."""

import py_compile
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tfx_vae.doctor.check import Status
from tfx_vae.doctor.installation import check_bytecode, check_packages, check_pip, check_requirements

PROJECT = Path(__file__).parents[4]


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with one package, in a version that is not the locked one."""
    prefix = tmp_path / "environment"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    metadata = prefix / "lib" / version / "site-packages" / "absl_py-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: absl-py\nVersion: 0.0.1\n")
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    home = Path(sys.executable).resolve().parent
    (prefix / "pyvenv.cfg").write_text(f"home = {home}\nversion = {sys.version.split()[0]}\n")
    return prefix


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clone, as far as its dependencies go."""
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".tools").symlink_to(PROJECT / ".tools")
    return tmp_path


def test_the_environment_of_the_tests_is_what_the_lock_says() -> None:
    check = check_packages(PROJECT)
    assert (check.status, check.found) == (Status.OK, "all as in uv.lock")


def test_the_first_packages_that_differ_are_named_with_the_locked_version(environment: Path) -> None:
    check = check_packages(PROJECT, str(environment))
    assert check.status is Status.FAILURE
    assert "absl-py 0.0.1 (" in check.found
    assert "aiohappyeyeballs missing (" in check.found
    assert check.found.count(" locked)") == 3
    assert check.found.endswith(" more")
    assert "make setup" in check.remedy
    assert not list(environment.rglob("rich*"))  # nothing was installed


def test_without_a_lock_the_bounds_of_the_installed_package_count(tmp_path: Path) -> None:
    check = check_packages(tmp_path)
    assert check.status is Status.OK
    assert "that tfx-vae requires, in versions that fit" in check.found


def test_what_an_installed_package_requires_and_does_not_find_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "of_a_test-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    requires = ("click<1", "rich>=1", "no-such-package>=2,<3", "no-such-extra; extra == 'more'", "old; python_version < '3'")
    lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
    metadata.write_text(f"Metadata-Version: 2.1\nName: of-a-test\nVersion: 1.0\n{lines}")
    monkeypatch.syspath_prepend(tmp_path)
    check = check_requirements("of-a-test")
    assert check.status is Status.FAILURE
    assert check.found == (
        f"not as of-a-test requires: click {version('click')} (<1 required), no-such-package missing (<3,>=2 required)"
    )
    assert "pip install --no-deps" in check.remedy


def test_without_uv_nothing_is_compared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".tools").unlink()
    monkeypatch.setenv("PATH", "/nowhere")
    check = check_packages(project)
    assert check.status is Status.WARNING
    assert check.remedy


def test_a_damaged_lock_is_a_failure(project: Path) -> None:
    (project / "uv.lock").write_text("not a lock")
    check = check_packages(project)
    assert check.status is Status.FAILURE
    assert check.found.startswith("uv.lock cannot be read: ")
    assert check.remedy == "git checkout uv.lock"


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
