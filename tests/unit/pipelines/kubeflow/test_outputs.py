"""What a step shows in Kubeflow's user interface."""

from pathlib import Path

import pytest
from kfp.dsl import HTML, Markdown, Metrics
from support.history import History

from pipelines.config import validate
from pipelines.kubeflow import outputs
from pipelines.kubeflow.parameters import as_text


def text(root: Path) -> str:
    values = {"name": "mnist-vae", "runtime": {"root": str(root)}, "kubeflow": {"volume_claim": None}}
    return as_text(validate(values, "test"))


def test_kubeflow_gets_all_metrics_and_a_table_with_units(tmp_path: Path):
    run = History(tmp_path).run(elbo=95.0)
    metrics, verdict = Metrics(), Markdown(uri=str(tmp_path / "verdict.md"))

    outputs.show_evaluation(text(tmp_path), run.id, metrics, verdict)

    assert metrics.metadata == {"negative_elbo": 95.0, "reconstruction_loss": 75.0, "kl_divergence": 20.0}
    lines = (tmp_path / "verdict.md").read_text().splitlines()
    assert lines[0] == "**Blessed**: all thresholds hold."
    assert "| negative_elbo | 95.00 | nats |" in lines


def test_kubeflow_is_told_why_a_model_is_not_blessed(tmp_path: Path):
    run = History(tmp_path).run(blessed=False)
    verdict = Markdown(uri=str(tmp_path / "verdict.md"))

    outputs.show_evaluation(text(tmp_path), run.id, Metrics(), verdict)

    assert (tmp_path / "verdict.md").read_text().startswith("**Not blessed:**\n- no threshold was configured\n")


def test_kubeflow_gets_the_page_of_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "index.html").write_text("<h1>mnist-vae</h1>")
    monkeypatch.setattr(outputs, "describe_run", lambda *_: {"report": f"{tmp_path}/index.html"})
    page = HTML(uri=str(tmp_path / "shown.html"))

    outputs.show_report(text(tmp_path), "run", page)

    assert (tmp_path / "shown.html").read_text() == "<h1>mnist-vae</h1>"
