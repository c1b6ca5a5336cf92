"""The pages of the documentation, the site that is made of them, and the notebook as it is committed."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.documentation import NOT_RUN, commands

from tfx_vae.cli import main

PROJECT = Path(__file__).parents[2]
NOTEBOOK = PROJECT / "notebooks" / "vae.ipynb"


def test_the_site_has_every_page_and_no_broken_link(tmp_path: Path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tfx-vae rollback [OPTIONS]" in (site / "docs" / "commands.html").read_text()
    assert (site / "notebooks" / "vae.html").read_text().count("<math") > 20
    assert "rollback" in (site / "search" / "search_index.json").read_text()


def test_the_notebook_is_committed_with_the_outputs_of_one_run_from_top_to_bottom():
    assert NOTEBOOK.stat().st_size < 1_500_000
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"display_data", "stream"}
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) > 10


def _without_shell(text: str) -> str:
    """Only what the program gets."""
    return re.split(r" {2,}|#| 2>| \| | &$", text)[0].strip()


def test_every_command_of_the_documentation_has_only_options_that_exist():
    found = [(page, _without_shell(text)) for page, text in commands() if text.startswith("tfx-vae ")]
    assert len(found) > 60
    wrong = []
    for page, line in found:
        command: click.Command = main
        context = click.Context(command)
        words = shlex.split(line)[1:]
        try:
            while isinstance(command, click.Group) and not words[0].startswith("-"):
                _, named, words = command.resolve_command(context, words)
                assert named
                command = named
                context = click.Context(command, parent=context)
            command.make_parser(context).parse_args(words)
        except click.UsageError as error:
            wrong.append(f"{page}: {line}: {error.message}")
    assert not wrong


def test_every_target_of_make_in_the_documentation_exists():
    named = {text.split()[1] for _, text in commands() if text.startswith("make ")}
    assert len(named) > 5
    assert not [name for name in named if not re.search(rf"^{name}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)]


def test_every_reason_for_not_running_a_command_is_needed_and_names_tests_that_exist():
    """tests/e2e/test_smoke.py runs all other commands."""
    first_of = [next((start for start in NOT_RUN if re.match(start, text)), None) for _, text in commands()]
    assert set(NOT_RUN) - set(first_of) == set()
    assert first_of.count(None) > 25
    named = re.findall(r"tests/[\w/.]+", " ".join(NOT_RUN.values()))
    assert [name for name in named if not (PROJECT / name.rstrip(".")).exists()] == []
