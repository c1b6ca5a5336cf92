"""A wheel that is built, installed and used outside the clone, without network."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the Python of this environment with the installed packages in place of the clone, in an empty directory."""
    base = tmp_path_factory.mktemp("wheel")
    places = {"egg_info": "--egg-base", "build": "--build-base", "bdist_wheel": "--dist-dir"}
    build = [word for command, option in places.items() for word in (command, option, str(base))]
    subprocess.run([sys.executable, "setup.py", "--quiet", *build], cwd=PROJECT, check=True, capture_output=True)
    [wheel] = base.glob("tfx_vae-*.whl")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(base / "site"), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, capture_output=True)
    (base / "empty").mkdir()

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PYTHONPATH": str(base / "site"), "HOME": str(base / "empty"), "PATH": os.defpath, "COLUMNS": "200"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=base / "empty", env=environment, capture_output=True, text=True)

    return call


def test_nothing_of_the_clone_is_used(run: Run):
    where = run("-c", "import components, pipelines, tfx_vae; print(components.__path__, pipelines.__path__, tfx_vae.__path__)")
    assert where.stdout.count("/site/") == 3
    assert str(PROJECT) not in where.stdout


def test_configurations_schema_and_mnist_came_with_it(run: Run):
    shown = run("-m", "tfx_vae", "config", "--config", "smoke")
    assert shown.stdout.startswith("name: mnist-smoke\n"), shown.stderr

    checked = run("-m", "tfx_vae", "doctor", "--config", "smoke")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "mnist" in checked.stdout
