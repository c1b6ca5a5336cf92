"""What a step shows in Kubeflow's user interface."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from kfp.dsl import HTML, Markdown, Metrics, Model
from support.history import History

from components.artifacts.data_verdict import PixelSummary, SplitPixels
from pipelines.config import validate
from pipelines.kubeflow import outputs
from pipelines.kubeflow.parameters import as_text
from pipelines.kubeflow.runs import REPORT_LINE


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
    labels = lines.index("| label | reconstruction_loss | kl_divergence | negative_elbo |")
    assert lines[labels + 1 : labels + 3] == ["| ---: | ---: | ---: | ---: |", "| 0 | 75.00 | 20.00 | 95.00 |"]
    assert len(lines) == labels + 12


def test_kubeflow_is_told_why_a_model_is_not_blessed(tmp_path: Path):
    run = History(tmp_path).run(blessed=False)
    verdict = Markdown(uri=str(tmp_path / "verdict.md"))

    outputs.show_evaluation(text(tmp_path), run.id, Metrics(), verdict)

    assert (tmp_path / "verdict.md").read_text().startswith("**Not blessed:**\n- no threshold was configured\n")


def test_kubeflow_gets_the_page_of_the_report_and_the_log_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "index.html").write_text("<h1>mnist-vae</h1>")
    monkeypatch.setattr(outputs, "describe_run", lambda *_: {"report": f"{tmp_path}/index.html"})
    page = HTML(uri=str(tmp_path / "shown.html"))

    outputs.show_report(text(tmp_path), "run", page)

    assert (tmp_path / "shown.html").read_text() == "<h1>mnist-vae</h1>"
    assert capsys.readouterr().out == f"{REPORT_LINE}{tmp_path}/shown.html\n"


def test_kubeflow_gets_what_was_found_in_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    split = SplitPixels(
        images=50, minimum=0, maximum=255, mean=33.3, standard_deviation=78.6, sizes={"28x28 L": 50}, labels={}, constant=1,
        repeated=2, shared={},
    )  # fmt: skip
    summary = PixelSummary(splits={"train": split}, warnings=("2 images of train are repeated",))
    (tmp_path / "anomalies.txt").write_text("label: unexpected value\n")
    (tmp_path / "pixels.json").write_text(summary.model_dump_json())
    monkeypatch.setattr(outputs, "outputs_of_run", lambda *_: {"DataVerdict": SimpleNamespace(uri=str(tmp_path))})

    outputs.show_data(text(tmp_path), "run", Markdown(uri=str(tmp_path / "findings.md")))

    lines = (tmp_path / "findings.md").read_text().splitlines()
    assert lines[:2] == ["- label: unexpected value", "- 2 images of train are repeated"]
    assert lines[-1] == "| train | 50 | 33.3 | 78.6 | 1 | 2 |"


def test_kubeflow_gets_the_version_that_is_served(tmp_path: Path):
    history = History(tmp_path)
    pushed, refused = history.run(), history.run(blessed=False)
    model, none = Model(), Model()

    outputs.show_version(text(tmp_path), pushed.id, model)
    outputs.show_version(text(tmp_path), refused.id, none)

    directory, _, version = model.metadata["destination"].rpartition("/")
    assert directory.endswith("serving/mnist-vae")
    assert model.metadata["version"] == version
    assert none.metadata == {}
