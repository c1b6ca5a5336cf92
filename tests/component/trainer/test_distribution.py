"""Training on several devices and in several processes learns what one device learns from the same batches."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from support.digits import PROJECT, Transformed, read_trained, train, training_arguments
from support.small_training import small_loop, train_small

from components.errors import ConfigurationError
from components.trainer.checkpoints import TrainingCheckpoint
from components.trainer.config import Distribution
from components.trainer.distribution import Replicas, open_replicas
from components.trainer.run import TrainingArguments

CHIEF = """
import json, sys, types
from components.trainer.run import run_fn
run_fn(types.SimpleNamespace(hyperparameters=None, **json.loads(sys.argv[1])))
"""


def start(*command: str, **environment: str) -> "subprocess.Popen[bytes]":
    # gRPC would send what one process here says to the other through a proxy that the environment names.
    here = {"PYTHONPATH": str(PROJECT), "no_grpc_proxy": "127.0.0.1"}
    return subprocess.Popen([sys.executable, *command], cwd=PROJECT, env={**os.environ, **here, **environment})


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


def test_two_devices_learn_what_one_does(tmp_path: Path):
    process = start("tests/support/small_training.py", "mirrored", str(tmp_path))
    alone = train_small(open_replicas(Distribution.NONE), tmp_path / "alone")
    assert process.wait(timeout=300) == 0

    together = json.loads((tmp_path / "result.json").read_text())

    assert (alone["devices"], together["devices"]) == (1, 2)
    assert_nearly_equal(alone["curves"], together["curves"])
    for one, other in zip(alone["weights"], together["weights"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def train_in_two_processes(arguments: TrainingArguments) -> None:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    processes = [
        start(*command, TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}))
        for index, command in enumerate((("-c", CHIEF, arguments.model_dump_json()), ("-m", "components.trainer.worker")))
    ]
    try:
        assert [process.wait(timeout=240) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()


def test_two_processes_learn_what_one_does_and_one_of_them_exports_it(transformed: Transformed, tmp_path: Path):
    model, trainer = {"precision": "float32"}, {"epochs": 2}
    arguments = training_arguments(transformed, tmp_path, model, {**trainer, "distribution": "multi_worker"})
    sent = TrainingArguments.of(arguments)
    alone = train(transformed, tmp_path / "alone", model, trainer)
    train_in_two_processes(sent)

    together = read_trained(tmp_path)
    assert_nearly_equal(alone.curves(), together.curves())
    assert len(list(together.model_run.glob("train/events.*"))) == 1
    assert not list(together.checkpoints.glob("*"))
    examples = tf.constant(transformed.raw["test"])
    one, other = (
        tf.saved_model.load(str(trained.serving_model)).signatures["evaluate"](examples=examples)["negative_elbo"]
        for trained in (alone, together)
    )
    np.testing.assert_allclose(one, other, rtol=1e-4)


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

    with pytest.raises(ConfigurationError, match="run the Trainer in a separate process"):
        open_replicas(Distribution.MULTI_WORKER)
