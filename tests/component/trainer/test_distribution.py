"""Training on several devices and in several processes learns what one device learns from the same batches."""

import json
import logging
import math
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf
from support.digits import PROJECT, Transformed, fit, read_trained, training_arguments
from support.small_training import small_loop, train_small

from components.errors import ConfigurationError, PipelineError
from components.progress import LOGGER_NAME, RECORD_ATTRIBUTE, Progress
from components.trainer.checkpoints import TrainingCheckpoint
from components.trainer.config import Distribution
from components.trainer.distribution import Replicas, open_replicas
from components.trainer.processes import train_in_processes
from components.trainer.rendezvous import VARIABLE
from components.trainer.run import run_fn
from pipelines.config import load_config
from pipelines.kubeflow.parameters import as_text
from pipelines.kubeflow.workers import meeting_place

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(python: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts a process as the product starts its own: with the imports done."""
    monkeypatch.setattr(sys, "executable", str(python))
    # gRPC would send what one process here says to the other through a proxy that the environment names.
    monkeypatch.setenv("no_grpc_proxy", "127.0.0.1")
    return lambda *command: subprocess.Popen([sys.executable, *command], cwd=PROJECT)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def assert_nearly_equal(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        assert first.keys() == second.keys()
        for name, value in first.items():
            assert second[name] == pytest.approx(value, rel=1e-4, abs=1e-5), name


def test_two_devices_learn_what_one_does(start: Start, tmp_path: Path):
    process = start("tests/support/small_training.py", "mirrored", str(tmp_path))
    alone = train_small(open_replicas(Distribution.NONE), tmp_path / "alone")
    assert process.wait(timeout=300) == 0

    together = json.loads((tmp_path / "result.json").read_text())

    assert (alone["devices"], together["devices"]) == (1, 2)
    assert_nearly_equal(alone["curves"], together["curves"])
    for one, other in zip(alone["weights"], together["weights"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


RECIPE = {"epochs": 8, "prior_epochs": 2}
SMOKE = PROJECT / "pipelines" / "configs" / "smoke.yaml"
WORKER_STEP = """
import sys
from pipelines.kubeflow.steps import run_worker
_, configuration, sys.executable = sys.argv
run_worker(1, "tonight", configuration)
"""
MODEL = {"precision": "float32", "prior": "mixture", "prior_components": 5}


class Watcher(logging.Handler):
    """Hears how far a training is, and kills its last process at a given epoch."""

    def __init__(self, killed_at: float = math.inf) -> None:
        super().__init__()
        self.killed_at = killed_at
        self.heard: list[Progress] = []

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, RECORD_ATTRIBUTE)
        if progress.unit == "epochs":
            self.heard.append(progress)
            if progress.completed >= self.killed_at:
                workers()[-1].kill()


@contextmanager
def listened(watcher: Watcher) -> Iterator[Watcher]:
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(watcher)
    yield watcher
    logger.removeHandler(watcher)


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "components.trainer.worker" in child.cmdline()]


def test_when_a_worker_dies_all_end_and_the_next_run_goes_on_to_what_one_process_learns(
    transformed: Transformed, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    arguments = training_arguments(transformed, tmp_path, MODEL, {**RECIPE, "workers": 2})
    with (
        listened(Watcher(killed_at=2)),
        pytest.raises(PipelineError, match=r"Process 2 of 2 of the training \(number \d+\) was killed by SIGKILL, so all were"),
    ):
        run_fn(arguments)
    assert not workers()
    assert not (tmp_path / "model").exists()

    # The first run was one on this machine. The second is one on Kubeflow, with a step for each process.
    config = load_config(SMOKE, [f"runtime.root={tmp_path}", "trainer.workers=2", "kubeflow.every_step.retries=0"], base=Path())
    monkeypatch.setenv(VARIABLE, "")
    meeting_place(config, "tonight").announce()
    worker = start("-c", WORKER_STEP, as_text(config), sys.executable)
    try:
        with listened(Watcher()) as watcher:
            run_fn(arguments)
        assert worker.wait(timeout=60) == 0
    finally:
        worker.terminate()

    assert str(watcher.heard[0]).startswith("2 workers: training")
    assert watcher.heard[0].completed > 1
    together = read_trained(tmp_path)
    assert_nearly_equal(fit(transformed, tmp_path / "alone", MODEL, RECIPE).curves(), together.curves())
    assert (together.serving_model / "saved_model.pb").exists()
    # Of the killed training, and two of the next one: the epochs before the prior was fitted, and those with it.
    assert len(list(together.model_run.glob("train/events.*"))) == 3
    assert not list(together.checkpoints.glob("*"))


@pytest.mark.usefixtures("start")
def test_what_a_process_finds_wrong_is_what_the_trainer_says():
    with pytest.raises(ConfigurationError, match="TF_CONFIG does not say who the workers are"):
        train_in_processes("{}", [{"TF_CONFIG": ""}])


def test_a_tf_config_for_a_single_worker_is_harmless(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["here:1"]}, "task": {"type": "worker", "index": 0}}')

    for distribution in Distribution:
        replicas = open_replicas(distribution)
        assert (replicas.count, replicas.is_chief) == (1, True)
        assert replicas.receive_from_chief("all of it") == "all of it"


def test_a_process_that_does_not_write_checkpoints_restores_those_of_the_one_that_does(tmp_path: Path):
    replicas = open_replicas(Distribution.NONE)
    (first, first_model), (second, second_model) = small_loop(replicas), small_loop(replicas)
    writes = TrainingCheckpoint(str(tmp_path / "checkpoints"), first_model, first.optimizer)
    reads = TrainingCheckpoint(str(tmp_path / "checkpoints"), second_model, second.optimizer, is_written=False)

    history = second.run(reads, str(tmp_path / "second"))
    assert not (tmp_path / "checkpoints").exists()

    assert [epoch.train for epoch in first.run(writes, str(tmp_path / "first")).epochs] == [
        epoch.train for epoch in history.epochs
    ]
    reads.delete()
    assert len(reads.restore().epochs) == 2


class ThreeDevices(Replicas):
    count = 3


def test_a_batch_that_the_devices_cannot_share_evenly_is_refused():
    with pytest.raises(ConfigurationError, match=r"trainer\.batch_size is 40, which 3 devices cannot share evenly"):
        small_loop(ThreeDevices(tf.distribute.get_strategy()))


@pytest.mark.parametrize("tf_config", ["", "{", "[]", '{"cluster": {}}', '{"cluster": {"worker": ["a:1"]}}'])
def test_several_machines_without_a_complete_tf_config_are_refused(tf_config: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TF_CONFIG", tf_config)

    with pytest.raises(ConfigurationError, match="TF_CONFIG does not say who the workers are"):
        open_replicas(Distribution.MULTI_WORKER)


def test_several_machines_are_refused_once_tensorflow_is_in_use(monkeypatch: pytest.MonkeyPatch):
    first, second = free_ports(2)
    cluster = {"worker": [f"127.0.0.1:{first}", f"127.0.0.1:{second}"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}}))
    tf.constant(1.0)

    with pytest.raises(ConfigurationError, match="cannot connect to other workers after it has done something else"):
        open_replicas(Distribution.MULTI_WORKER)
