"""The smoke pipeline, again and again in one workplace: run, served from the cache, judged against what was blessed before."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.documentation import commands, prepare
from support.history import records
from support.workplace import BIN, PROJECT, SMOKE, Workplace, said, states

from components.artifacts.latent_map import read_map
from components.artifacts.loaded_model import LoadedModel
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import sqlite_location

NODES = {
    "ImportSchemaGen", "TfdsExampleGen", "StatisticsGen", "ExampleValidator", "ValidationGate", "DriftResolver", "DriftGate",
    "Transform", "Trainer", "BaselineResolver", "FeatureClassifier", "Evaluator", "InfraValidator", "ModelReport", "Pusher",
}  # fmt: skip
RESOLVERS = {"DriftResolver", "BaselineResolver"}
"""They are asked in every run."""

QUICKER = (
    "infra_validator.enabled=false",
    "evaluator.importance_weighted.enabled=false",
    "evaluator.latent_space.enabled=false",
    "evaluator.frechet_distance.enabled=false",
    "evaluator.binarized=false",
)
"""For runs of which no test looks at the check before pushing, or at metrics other than the losses."""


@pytest.fixture(scope="module")
def first(workplace: Workplace) -> subprocess.CompletedProcess[str]:
    return workplace.run(f"notify.command=cat > {workplace.root}/told.json", "notify.when=[blessed]")


@pytest.fixture(scope="module")
def second(workplace: Workplace, first: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    return workplace.run()


@pytest.fixture(scope="module")
def autoencoder(quick: Workplace) -> subprocess.CompletedProcess[str]:
    """Of latent size 2, so that its report has a manifold."""
    return quick.run("name=mnist-smoke-ae", "model.kind=ae", "model.latent_dim=2", "infra_validator.enabled=false")


def report_of(run: subprocess.CompletedProcess[str]) -> Path:
    """The page that a run names."""
    return Path(re.findall(r"^Report +(\S+)$", run.stdout, re.MULTILINE)[0])


def test_the_first_run_does_everything_and_succeeds(first: subprocess.CompletedProcess[str]):
    assert first.returncode == 0, first.stdout + first.stderr
    assert states(first.stdout) == dict.fromkeys(NODES, "ran")


def test_a_person_sees_the_metrics_the_verdict_and_where_everything_is(
    first: subprocess.CompletedProcess[str], workplace: Workplace
):
    assert "Test split: means over 200 images" in first.stdout
    assert re.search(r"negative_elbo\s+nats\s+\d+\.\d\d\s+none", first.stdout)
    shown = re.findall(
        r"^ *(iw_nll|binarized/iw_nll|active_units|latent_probe_accuracy/knn|frechet_distance) ", first.stdout, re.M
    )
    assert len(shown) == 5
    assert "Left out" not in first.stdout
    assert "Blessed" in first.stdout
    [version] = workplace.versions()
    assert f"version {version} is the newest in {workplace.root}/serving/mnist-smoke" in first.stdout
    places = dict(re.findall(r"^(Report|Model|Metadata|Log) +(\S+)$", first.stdout, re.MULTILINE))
    assert all(Path(place).exists() for place in places.values())
    assert set(places) == {"Report", "Model", "Metadata", "Log"}


def test_the_command_of_the_configuration_is_told_how_the_run_ended(
    first: subprocess.CompletedProcess[str], workplace: Workplace
):
    told = json.loads((workplace.root / "told.json").read_text())
    assert (told["event"], told["version"]) == ("blessed", workplace.versions()[0])
    assert told["report"] == str(report_of(first).resolve())
    assert f"{told['metrics']['negative_elbo']:.2f}" in first.stdout


def test_nothing_but_that_is_printed(first: subprocess.CompletedProcess[str], workplace: Workplace):
    assert first.stderr == ""
    assert not re.search(r"Warning|WARNING|Traceback|tensorflow|absl", first.stdout)
    # A slow machine reports its progress more often.
    assert len([line for line in first.stdout.splitlines() if not re.match(r"  \w+: ", line)]) < 60
    [log] = (workplace.root / "logs" / "mnist-smoke").glob("*.log")
    assert "apache_beam" in log.read_text()


def test_the_report_has_every_figure_and_says_how_long_each_component_took(
    first: subprocess.CompletedProcess[str], workplace: Workplace
):
    page = report_of(first)
    html = page.read_text()
    [run] = re.findall(r"mnist-smoke, run (\S+)", first.stdout)
    assert f"Trained in run {run}" in html
    for node in NODES - RESOLVERS - {"ModelReport", "Pusher"}:
        assert re.search(rf">{node}</th>\s*<td[^>]*>[\d.,]+</td>\s*<td[^>]*>{run}<", html), node
    figures = {path.stem for path in page.parent.glob("*.png")}
    assert figures == {
        "reconstructions", "best-and-worst", "samples", "real-images", "which-are-drawn", "closest-samples",
        "interpolations-linear", "interpolations-spherical",
        "latent-pca", "latent-tsne", "kl-per-dimension", "beside-prior", "training-loss", "training-reconstruction-loss",
        "training-kl-divergence", "learning-rate", "data-sheet", "class-balance",
    }  # fmt: skip
    assert html.count('src="data:image/png;base64,') == len(figures)
    assert "every split agrees with the schema" in html


def test_what_was_pushed_answers_a_process_that_knows_only_tensorflow(
    first: subprocess.CompletedProcess[str], workplace: Workplace
):
    [version] = workplace.versions()
    code = (
        "import tensorflow as tf; "
        f"model = tf.saved_model.load('{workplace.root}/serving/mnist-smoke/{version}'); "
        "print(model.signatures['generate'](count=tf.constant(2), seed=tf.constant([0, 1]))['image'].shape)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "(2, 28, 28, 1)"


def test_samples_of_a_label_look_like_it_to_the_model_itself(first: subprocess.CompletedProcess[str], workplace: Workplace):
    [version] = workplace.versions()
    model = LoadedModel(workplace.root / "serving" / "mnist-smoke" / str(version))
    latent_map = read_map(model.directory)
    assert latent_map is not None
    means = np.array([center.mean for center in latent_map.centers])

    found = []
    for label in model.labels:
        images = model.call("generate_labelled", count=50, seed=[0, 1], label=label, temperature=0.5)["image"]
        codes = model.call("encode", image=images)["latent_mean"]
        found.append(np.linalg.norm(codes[:, np.newaxis] - means, axis=2).argmin(axis=1) == label)
    # By chance a tenth; three epochs teach no more than a rough idea of a digit.
    assert np.mean(found) > 0.4


def test_the_second_run_is_served_from_the_cache_and_pushes_nothing_new(
    second: subprocess.CompletedProcess[str], workplace: Workplace
):
    assert second.returncode == 0
    [log] = re.findall(r"^Log +(\S+)", second.stdout, re.MULTILINE)
    assert len(Path(log).read_text().splitlines()) == 1, "only ML Metadata says something: TensorFlow and TFX are not imported"
    assert states(second.stdout) == dict.fromkeys(NODES, "cached") | dict.fromkeys(RESOLVERS, "ran")
    [version] = workplace.versions()
    assert f"version {version} is the newest" in second.stdout


def test_the_command_line_of_tfx_creates_and_runs_the_same_pipeline(
    second: subprocess.CompletedProcess[str], workplace: Workplace, python: Path, tmp_path: Path
):
    config = tmp_path / "smoke.yaml"
    text = SMOKE.read_text() + f"\nruntime:\n  root: {workplace.root}\n"
    config.write_text(text.replace("data:\n", f"data:\n  data_dir: {workplace.root.parent / 'datasets'}\n", 1))
    environment = workplace.environment(TFX_VAE_CONFIG=str(config))

    def tfx(*arguments: str) -> str:
        command = [str(python), "-m", "tfx.tools.cli.cli_main", *arguments, "--engine=local"]
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    created = tfx("pipeline", "create", f"--pipeline_path={PROJECT / 'pipelines' / 'local_runner.py'}")
    assert 'Pipeline "mnist-smoke" created successfully.' in created
    ran = tfx("run", "create", "--pipeline_name=mnist-smoke")
    assert states(ran) == dict.fromkeys(NODES, "cached") | dict.fromkeys(RESOLVERS, "ran")

    # What a run records that finds nothing changed is what TFX records.
    store = open_store(sqlite_location(workplace.root / "metadata.sqlite"))
    [ours], [tfxs] = (re.findall(r"mnist-smoke, run (\S+)", output) for output in (second.stdout, ran))
    for (name, state, properties, *links), (name_, state_, properties_, *links_) in zip(
        records(store, ours), records(store, tfxs), strict=True
    ):
        assert (name, state, links) == (name_, state_, links_)
        assert properties_.keys() <= properties.keys()


def test_a_worse_model_is_not_pushed_and_the_run_says_why(
    second: subprocess.CompletedProcess[str], workplace: Workplace, quick: Workplace
):
    pushed_before = workplace.versions()

    worse = quick.run("trainer.epochs=1", "trainer.learning_rate=1e-5", "report.tsne=false", *QUICKER)

    assert worse.returncode == 0, worse.stdout + worse.stderr
    assert states(worse.stdout)["Transform"] == "cached"
    assert {states(worse.stdout)[node] for node in ("Trainer", "Evaluator", "Pusher")} == {"ran"}
    assert "Not blessed, so nothing was pushed" in worse.stdout
    assert re.search(r"negative_elbo \d+\.\d+ is \d+\.\d+ above the champion's \d+\.\d+", worse.stdout)
    assert workplace.versions() == pushed_before
    assert f"version {pushed_before[-1]} is still the newest" in worse.stdout
    report = report_of(worse).read_text()
    assert "not blessed" in report
    assert re.search(r"negative_elbo [\d.]+ is [\d.]+ above the champion", report)
    assert re.search(r'<td class=" bad"[^>]*>\s*\+\d+\.\d\d', report)


def test_a_model_that_fails_the_check_before_pushing_is_not_pushed_and_everybody_says_why(
    second: subprocess.CompletedProcess[str], workplace: Workplace, quick: Workplace
):
    pushed_before = workplace.versions()
    reason = "it took more than 0.01 s to load and to answer the warm-up requests"

    refused = quick.run("infra_validator.time_limit_seconds=0.01", "report.tsne=false")

    assert refused.returncode == 0, refused.stdout + refused.stderr
    assert states(refused.stdout)["Evaluator"] == "cached"
    assert {states(refused.stdout)[node] for node in ("InfraValidator", "Pusher", "ModelReport")} == {"ran"}
    assert "It failed the check before pushing, so nothing was pushed:" in refused.stdout
    assert reason in refused.stdout
    assert workplace.versions() == pushed_before
    assert f"version {pushed_before[-1]} is still the newest" in refused.stdout
    assert reason in report_of(refused).read_text()
    [run] = re.findall(r"mnist-smoke, run (\S+)", refused.stdout)
    assert reason in workplace.call("show", run).stdout
    assert re.search(rf" yes +refused .* {run}$", workplace.call("runs").stdout, re.MULTILINE)


def test_a_training_that_fails_is_explained_in_a_sentence_and_its_log_holds_the_traceback(
    second: subprocess.CompletedProcess[str], quick: Workplace
):
    pushed_before = quick.versions()

    failed = quick.run("model.likelihood=gaussian", "model.gaussian_stddev=1e-25")

    assert failed.returncode == 1
    assert states(failed.stdout)["Transform"] == "cached"
    assert "loss became" in said(failed)
    [log] = [line.rpartition(" ")[2] for line in failed.stdout.splitlines() if line.startswith("The log")]
    assert "Traceback" in Path(log).read_text()
    assert quick.versions() == pushed_before


def test_an_autoencoder_goes_through_the_same_pipeline_with_its_own_baseline(
    autoencoder: subprocess.CompletedProcess[str], workplace: Workplace
):
    assert autoencoder.returncode == 0, autoencoder.stdout + autoencoder.stderr
    assert re.search(r"kl_divergence\s+nats\s+0\.00\s+none", autoencoder.stdout)
    assert "do not have them: iw_nll, binarized/iw_nll, mutual_information, marginal_kl" in " ".join(autoencoder.stdout.split())
    assert len(workplace.versions("mnist-smoke-ae")) == 1


def test_the_report_of_an_autoencoder_leaves_out_what_it_has_not(autoencoder: subprocess.CompletedProcess[str]):
    page = report_of(autoencoder)
    figures = {path.stem for path in page.parent.glob("*.png")}
    assert "manifold" in figures
    assert not figures & {"kl-per-dimension", "training-kl-divergence"}
    assert "There is no KL divergence per dimension" in page.read_text()


def test_two_runs_are_laid_side_by_side_with_the_pictures_of_their_own_reports(
    second: subprocess.CompletedProcess[str], autoencoder: subprocess.CompletedProcess[str], quick: Workplace
):
    [run] = re.findall(r"mnist-smoke, run (\S+)", second.stdout)

    compared = quick.call("compare", "mnist-smoke-ae", run)

    assert compared.returncode == 0, compared.stdout + compared.stderr
    page = Path(compared.stdout.split()[-1])
    html = page.read_text()
    assert "mnist-smoke-ae against mnist-smoke" in html
    assert "autoencoder has no KL divergence, so its negative ELBO" in html
    # Drawn in another process from the same artifacts: the same to the last bit.
    for place, report in (("first", report_of(autoencoder)), ("second", report_of(second))):
        for picture in ("samples", "latent-pca", "latent-tsne", "beside-prior"):
            assert (page.parent / f"{place}-{picture}.png").read_bytes() == (report.parent / f"{picture}.png").read_bytes()


def test_a_sweep_takes_its_data_from_the_pipeline_and_leaves_that_alone(
    second: subprocess.CompletedProcess[str], workplace: Workplace, quick: Workplace
):
    pushed_before = workplace.versions()

    quicker = [word for setting in ("trainer.epochs=1", *QUICKER) for word in ("--set", setting)]
    swept = quick.call("sweep", "--latent-dims", "3", "--betas", "4", *quicker)

    assert swept.returncode == 0, swept.stdout + swept.stderr
    nodes = NODES - {"BaselineResolver", "FeatureClassifier", "InfraValidator", "ModelReport", "Pusher"}
    ran = ("DriftResolver", "Trainer", "Evaluator")
    assert states(swept.stdout) == dict.fromkeys(nodes, "cached") | dict.fromkeys(ran, "ran")
    page = Path(swept.stdout.split()[-1])
    [result] = json.loads((page.parent / "sweep.json").read_text())
    assert (result["latent_dim"], result["beta"]) == (3, 4.0)
    assert result["negative_elbo"] == pytest.approx(result["reconstruction_loss"] + result["kl_divergence"], abs=1e-3)
    assert (page.parent / "rate-distortion.png").is_file()
    assert workplace.versions() == pushed_before


def test_the_notebook_runs_to_its_end_with_what_was_pushed(
    first: subprocess.CompletedProcess[str], autoencoder: subprocess.CompletedProcess[str], workplace: Workplace
):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(PROJECT / "notebooks" / "vae.ipynb", as_version=4)
    [parameters] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    names = 'VAE, AE = "mnist-smoke", "mnist-smoke-ae"'
    parameters.source += f"\nROOT = Path({str(workplace.root)!r})\n{names}\nIMAGES, EPOCHS = 700, 1"
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(PROJECT / "notebooks")}}).execute()


def test_the_commands_of_readme_and_docs_work_as_they_are_printed(
    first: subprocess.CompletedProcess[str],
    autoencoder: subprocess.CompletedProcess[str],
    workplace: Workplace,
    quick: Workplace,
    tmp_path: Path,
):
    """Those of which tests/support/documentation.py does not say why not."""
    directory, programs = tmp_path / "clone", tmp_path / "bin"
    prepare(workplace.root, {"mnist-smoke": "mnist-vae", "mnist-smoke-ae": "mnist-ae"}, directory)
    programs.mkdir()
    for name, script in (("tfx-vae", f'exec {" ".join(quick.program)} "$@"'), ("xdg-open", "")):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    environment = workplace.environment(PATH=f"{programs}:{BIN}:/usr/bin:/bin")

    failed = []
    for command in dict.fromkeys(command.runnable for command in commands() if not command.reason):
        shell = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(shell, cwd=directory, env=environment, capture_output=True, text=True)
        if done.returncode:
            failed.append(f"{command}: {done.stdout[-500:]}{done.stderr[-500:]}")
    assert failed == []
