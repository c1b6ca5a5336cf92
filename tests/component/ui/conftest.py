"""Runs with all that the page shows, the real server over them, and a browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from PIL import Image
from playwright.sync_api import Browser
from support.history import COMPLETE, LIVE, RUNNING, History, PastRun
from support.past import ERROR, Past, write_past
from support.served_page import chromium
from support.ui_page import Window, new_window, serving_runs

from components.artifacts.drift import DriftSummary, Measure
from components.artifacts.history import HISTORY_FILE, Epoch, EpochLosses
from components.artifacts.history import History as Training


@dataclass(frozen=True)
class ShownPast(Past):
    """Two runs more; the last one runs still."""

    drifted: PastRun
    running: PastRun


@pytest.fixture(scope="module")
def past(in_memory: Path) -> ShownPast:
    history = History(in_memory / "shown")
    past = write_past(history)
    for run, loss in ((past.first, 110.0), (past.second, 105.0)):
        (run.uris["model"] / HISTORY_FILE).write_text(_training(loss).to_json())
    _add_report(history, past.second)
    past.failed.log.write_text(f"Trainer started\n{ERROR}\n")
    measure = Measure(name="score", statistic=0.5, limit=0.1, p_value=0.0, drifted=True)
    drifted = history.run(elbo=98, drift=DriftSummary(champion=7, known_images=50, new_images=60, measures=(measure,)))
    # Its log is gone, so nobody can tell that its process is.
    running = history.run(epochs=9, stops_at="Trainer", stops_as=RUNNING, record="running")
    running.log.unlink()
    return ShownPast(**vars(past), drifted=drifted, running=running)


def _training(loss: float) -> Training:
    """Two epochs."""
    losses = [EpochLosses.model_validate(dict.fromkeys(EpochLosses.model_fields, each)) for each in (2 * loss, loss)]
    shared = {"seconds": 1, "learning_rate": 0.001, "kl_weight": 1, "active_units": 2, "kl_per_dimension": (1.0,)}
    return Training(
        epochs=tuple(
            Epoch.model_validate({"epoch": number, "step": number, "train": each, "eval": each, **shared})
            for number, each in enumerate(losses, 1)
        )
    )


def _add_report(history: History, run: PastRun) -> None:
    """A report, which the past runs have not."""
    directory = history.root / "pipelines" / "mnist-vae" / "ModelReport" / "report" / "1"
    directory.mkdir(parents=True)
    (directory / "index.html").write_text("<h1>What it has learnt</h1><script>document.title = 'taken over'</script>")
    for name in ("samples.png", "reconstructions.png"):
        Image.new("L", (28, 28)).save(directory / name)
    store = history.store
    execution_type = store.put_execution_type(mlmd.ExecutionType(name="components.report.component.ModelReport"))
    artifact_type = store.put_artifact_type(mlmd.ArtifactType(name="ModelReport"))
    names = (("pipeline", "mnist-vae"), ("pipeline_run", run.id), ("node", "mnist-vae.Pusher"))
    contexts = [store.get_context_by_type_and_name(*name) for name in names]
    [model] = store.get_artifacts_by_id([run.artifacts["model"]])
    execution = mlmd.Execution(type_id=execution_type, last_known_state=COMPLETE)
    report = mlmd.Artifact(type_id=artifact_type, uri=str(directory), state=LIVE)
    pairs = [(model, _event("model", mlmd.Event.INPUT)), (report, _event("report", mlmd.Event.OUTPUT))]
    store.put_execution(execution, pairs, contexts)


def _event(channel: str, type_: int) -> mlmd.Event:
    return mlmd.Event(type=type_, path=mlmd.Event.Path(steps=[mlmd.Event.Path.Step(key=channel)]))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(past: Past) -> Iterator[str]:
    """The server of the past runs."""
    with serving_runs(past.history.root) as address:
        yield address


@pytest.fixture
def window(browser: Browser, address: str) -> Iterator[Window]:
    """A window, in which nothing may go wrong, and which may ask no other server."""
    window = new_window(browser, address)
    yield window
    window.page.close()
    assert window.problems == []
    assert [url for url in window.requests if not url.startswith(address)] == []
