"""The pages of the documentation, the site that is made of them, and the notebook as it is committed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
