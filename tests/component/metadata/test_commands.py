"""The commands as users and scripts call them."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from support.history import History

from components.artifacts.drift import DriftSummary, Measure
from tfx_vae.metadata.entities import RunState
from tfx_vae.metadata.runs import RunSummary, print_runs

Ask = Callable[..., Result]

RUN = {
    "number", "id", "pipeline", "started", "seconds", "state", "dataset", "model", "metrics", "blessed", "refusal",
    "pushed_version", "drifted", "drift", "error", "decision", "why", "tag", "changed",
}  # fmt: skip
ARTIFACT = {"id", "type", "state", "uri", "created", "properties"}


def asked(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_shapes_of_json_stay_as_scripts_know_them(past: Any, ask: Ask):
    location = past.history.location
    runs = asked(ask(location, "runs", "--json"))
    assert set(runs) == {"format", "runs"}
    assert set(runs["runs"][0]) == RUN
    assert runs["runs"][0]["started"].endswith("Z")

    show = asked(ask(location, "show", past.second.id, "--json"))
    assert set(show) == {"format", "run", "log", "host", "versions", "settings", "components"}
    assert set(show["components"][0]) == {
        "node", "type", "execution", "state", "seconds", "inputs", "outputs", "parameters", "error",
    }  # fmt: skip
    assert set(show["components"][0]["outputs"]["schema"][0]) == ARTIFACT

    artifacts = asked(ask(location, "artifacts", "--json"))
    assert set(artifacts) == {"format", "artifacts"}
    assert set(artifacts["artifacts"][0]) == ARTIFACT | {"size", "channel", "producer"}
    assert set(artifacts["artifacts"][0]["producer"]) == {"node", "execution", "run"}

    for lineage in (
        asked(ask(location, "lineage", str(past.second.artifacts["model"]), "--json")),
        asked(ask(location, "lineage", str(past.second.artifacts["model"]), "--format", "json")),
    ):
        assert set(lineage) == {"format", "start", "direction", "nodes", "edges"}
        assert {"key", "kind", "label"} <= set(lineage["nodes"][0])
        assert set(lineage["edges"][0]) == {"source", "target", "channel"}

    diff = asked(ask(location, "diff", past.first.id, past.second.id, "--json"))
    assert set(diff) == {"format", "first", "second", "settings", "parameters", "versions", "data", "metrics", "outcome"}
    assert set(diff["parameters"][0]) == {"name", "first", "second"}

    gc = asked(ask(location, "gc", "--dry-run", "--json"))
    assert set(gc) == {"format", "dry_run", "size", "artifacts", "leftovers", "restored", "kept", "elsewhere"}
    assert set(gc["artifacts"][0]) == {"id", "type", "uri", "size"}
    assert set(gc["leftovers"][0]) == {"kind", "path", "size"}
    assert {answer["format"] for answer in (runs, show, artifacts, lineage, diff, gc)} == {1}


def test_a_pipe_gets_whole_plain_lines_one_for_each_run(past: Any, ask: Ask):
    lines = ask(past.history.location, "runs").stdout.splitlines()
    assert len(lines) == 6
    assert lines[3].split()[:3] == ["3", "mnist-vae", "complete"]
    assert lines[3].endswith(f" {past.cached.id}")
    assert "\x1b" not in "".join(lines)
    assert not any(line.endswith(" ") for line in lines)


def test_a_run_whose_model_failed_the_check_before_pushing_says_so_everywhere(tmp_path: Path, ask: Ask):
    history = History(tmp_path)
    passed, refused = history.run(refusal=""), history.run(refusal="the signature decode is missing")
    location = history.location

    lines = ask(location, "runs").stdout.splitlines()
    assert " yes      refused " in next(line for line in lines if refused.id in line)
    assert "refused" not in next(line for line in lines if passed.id in line)
    assert "failed the check before pushing: the signature decode is missing" in ask(location, "show", refused.id).stdout
    assert "not pushed" not in ask(location, "show", passed.id).stdout
    found = {run["id"]: (run["blessed"], run["refusal"], run["pushed_version"] is None) for run in asked_runs(ask, location)}
    assert found == {passed.id: (True, None, False), refused.id: (True, "the signature decode is missing", True)}
    outcome = asked(ask(location, "diff", passed.id, refused.id, "--json"))["outcome"]
    assert [each["name"] for each in outcome] == ["pushed_version", "refusal"]
    lineage = ask(location, "lineage", str(refused.artifacts["model"]), "--downstream").stdout
    assert f"InfraBlessing {refused.artifacts['infra_blessing']}, not blessed" in lineage


def test_a_run_whose_images_have_drifted_says_so(tmp_path: Path, ask: Ask):
    history = History(tmp_path)
    measure = Measure(name="score", statistic=0.5, limit=0.1, p_value=0.0, drifted=True)
    before, same = history.run(), history.run(drift=DriftSummary(reason="there is no champion"))
    drifted = history.run(drift=DriftSummary(champion=7, known_images=50, new_images=60, measures=(measure,)))
    sentence = "score 0.5 (limit 0.1): 60 new test images against 50 of the champion's"

    assert {run["id"]: (run["drifted"], run["drift"]) for run in asked_runs(ask, history.location)} == {
        before.id: (None, None), same.id: (False, "not compared: there is no champion"), drifted.id: (True, sentence),
    }  # fmt: skip
    assert sentence in ask(history.location, "show", drifted.id).stdout


def asked_runs(ask: Ask, location: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(ask(location, "runs", "--json"))["runs"]
    return found


def test_show_prints_what_each_component_did_and_why_one_failed(past: Any, ask: Ask):
    shown = ask(past.history.location, "show", past.failed.id).stdout
    assert f"Run {past.failed.id} of mnist-vae: failed" in shown
    assert ["Trainer", "failed"] in [line.split()[:2] for line in shown.splitlines()]
    assert "✗ Trainer  failed" in ask(past.history.location, "show", "4", "--all").stdout
    assert "\nTrainer: train-images-idx3-ubyte.gz is truncated" in shown
    assert str(past.failed.log) in shown


def test_runs_fit_80_columns_and_an_autoencoder_has_no_elbo_to_be_ranked_by():
    def printed(run: RunSummary, width: int) -> list[str]:
        output = io.StringIO()
        console = Console(file=output, force_terminal=True, no_color=True, width=width, highlight=False)
        print_runs([run], console)
        return re.sub(r"\x1b\[\d*m", "", output.getvalue()).splitlines()

    metrics = {"negative_elbo": 55.07, "reconstruction_loss": 55.07, "kl_divergence": 0.0}
    run = RunSummary(
        number=12, id="2026-11-26T12-21-40.275731", pipeline="shoes-ae", started=0, seconds=9.0, state=RunState.COMPLETE,
        dataset=None, model={"kind": "ae", "network": "conv", "latent_dim": 32}, metrics=metrics, blessed=True, refusal="",
        pushed_version="1795702982", error="", changed={"trainer.epochs": 7, "model.beta": 2.0, "model.samples": 5},
    )  # fmt: skip
    titles, line = printed(run, 80)
    assert len(titles) <= 80
    assert titles.split() == ["NO", "PIPELINE", "STATE", "STARTED", "-ELBO", "RECONSTRUCTION", "BLESSED"]
    assert line.split()[-3:] == ["-", "55.07", "yes"]
    assert "epochs=7, beta=2.0 +1" in printed(run, 200)[1]


def test_a_tree_unfolds_nothing_twice(past: Any, ask: Ask):
    tree = ask(past.history.location, "lineage", str(past.second.artifacts["pushed_model"])).stdout
    assert tree.count("configuration of the vae") == 2  # of the model, and of its baseline
    assert tree.count(f"Trainer of run {past.second.id}") == 1
    assert "(see above)" in tree


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["show", "nothing"], 2, "There is no run 'nothing'"),
        (["artifacts", "--type", "Modle"], 2, "did you mean Model?"),
        (["lineage", "999"], 2, "no pushed version '999'"),
        (["gc", "--older-than", "soon"], 2, "'soon' is not an age"),
        (["gc", "--older-than", "9" * 5_000 + "d"], 2, "is too long"),
        (["gc", "--keep-last", "-1"], 2, "--keep-last"),
        (["runs", "--set", "trainer.epoch=3"], 2, "did you mean epochs?"),
    ],
)
def test_what_was_asked_wrongly_ends_with_2_and_a_sentence(words: list[str], status: int, sentence: str, past: Any, ask: Ask):
    result = ask(past.history.location, *words)
    assert result.exit_code == status
    assert sentence in result.stderr
    assert result.stdout == ""


def test_the_python_of_the_documentation_runs_as_it_stands(past: Any, capsys: pytest.CaptureFixture[str]):
    page = (Path(__file__).parents[3] / "docs" / "metadata.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    exec(code.replace("runs/metadata.sqlite", str(past.history.location.path)), {})
    printed = capsys.readouterr().out
    assert f"{past.failed.id} failed" in printed
    assert f"{past.other.artifacts['examples']} Examples" in printed


def test_no_command_imports_tensorflow_tfx_or_the_client_of_ml_metadata(past: Any):
    code = (
        "import sys; from click.testing import CliRunner; from tfx_vae.cli import main\n"
        "for words in (['runs'], ['show', 'latest'], ['artifacts'], ['lineage', '1'], ['diff', 'latest', 'latest'],"
        " ['gc', '--dry-run']):\n"
        "    result = CliRunner().invoke(main, [*words, '--metadata', sys.argv[1]])\n"
        "    assert result.exit_code == 0, result.output\n"
        "print({'tensorflow', 'tfx', 'ml_metadata', 'apache_beam', 'numpy', 'psutil'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{past.history.location.path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("words", [["runs"], ["show", "latest"]])
def test_runs_and_show_import_nothing_of_other_commands(words: list[str], past: Any):
    code = (
        "import sys; from click.testing import CliRunner; from tfx_vae.cli import main\n"
        "result = CliRunner().invoke(main, sys.argv[1:])\n"
        "assert result.exit_code == 0, result.output\n"
        "print({name for name in sys.modules if name.startswith('tfx_vae.metadata.')})"
    )
    command = [sys.executable, "-c", code, *words, "--metadata", f"sqlite:///{past.history.location.path}"]
    imported = subprocess.check_output(command, text=True)
    assert f"tfx_vae.metadata.{words[0]}'" in imported
    for other in ("artifacts", "diff", "gc", "lineage", "json_shape"):
        assert f"tfx_vae.metadata.{other}" not in imported
