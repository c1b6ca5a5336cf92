"""A wheel holds everything that runs outside a clone; `make wheel` makes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.config import load_config
from tfx_vae.cli import main
from tfx_vae.options import DEFAULT_CONFIG

PROJECT = Path(__file__).parents[2]
BUNDLED = Path("pipelines", "bundled")
CONTENTS = """
from setuptools.dist import Distribution
distribution = Distribution({"script_name": "setup.py"})
distribution.parse_config_files()
command = distribution.get_command_obj("build_py")
command.ensure_finalized()
print(*command.get_outputs(include_bytecode=False), sep="\\n")
"""


@pytest.fixture(scope="module")
def contents() -> set[Path]:
    """The files of the wheel, as setuptools lists them."""
    command = [sys.executable, "-W", "ignore", "-c", CONTENTS]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return {Path(line).relative_to("build/lib") for line in listed.stdout.splitlines() if line.startswith("build/lib/")}


def files(*folders: Path) -> set[Path]:
    found = {Path(path, name) for folder in folders for path, _, names in os.walk(PROJECT / folder) for name in names}
    return {path.relative_to(PROJECT) for path in found if "__pycache__" not in path.parts}


def test_a_wheel_has_every_file_of_the_packages_the_schemas_and_mnist(contents: set[Path]):
    ours = files(Path("components"), Path("pipelines"), Path("tfx_vae"))
    bundled = {BUNDLED / path for path in files(Path("schema"), Path("data", "mnist"))}
    assert len(bundled) == 7
    assert contents == ours | bundled


@pytest.mark.parametrize("name", ["smoke", "pipelines/configs/smoke.yaml"])
def test_a_configuration_of_the_package_is_found_by_its_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["config", "--config", name])
    assert done.stdout.startswith("name: mnist-smoke\n")


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("smoke").write_text("name: mine\n")
    assert CliRunner().invoke(main, ["config", "--config", "smoke"]).stdout.startswith("name: mine\n")


@pytest.mark.parametrize(
    ("name", "hint"), [("smoky", "Did you mean smoke?"), ("mnist-vea", "Did you mean mnist_vae or"), ("x", "The names in")]
)
def test_for_a_name_that_means_nothing_near_ones_are_suggested(
    name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["config", "--config", name])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"The configuration {name} cannot be read: there is no such file. {hint}")


def test_without_options_a_run_outside_a_clone_has_all_that_it_reads(tmp_path: Path):
    config = load_config(DEFAULT_CONFIG, base=tmp_path)
    assert config.schema_path.is_file()
    assert config.data.source_dir is not None
