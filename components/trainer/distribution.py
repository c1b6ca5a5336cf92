"""Training on several devices or machines, with the result of one.

Every replica gets the whole batch, draws all random numbers for the whole batch, and computes its own share. The result is that
of one device with the same batch, except for the order in which sums are rounded.
"""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import ConfigurationError
from components.trainer.config import Distribution


class Replicas:
    """The devices that train together: one, or those of a `tf.distribute` strategy."""

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        """Keeps the strategy; TensorFlow's default strategy is one device."""
        self._strategy = strategy

    @property
    def count(self) -> int:
        """Number of devices on all machines."""
        return int(self._strategy.num_replicas_in_sync)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the results. Exactly one does."""
        resolver = self._strategy.cluster_resolver
        if resolver is None or resolver.task_type is None:
            return True
        has_chief = "chief" in resolver.cluster_spec().jobs
        return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)

    def scope(self) -> AbstractContextManager[Any]:
        """A context in which the model and the optimiser are made, so that every device has their variables."""
        return self._strategy.scope()

    def run(self, step: Callable[..., Any], *arguments: tf.Tensor) -> Any:
        """Runs a step on every device, and returns the result of the first device of this machine."""
        results = self._strategy.run(step, args=arguments)
        return tf.nest.map_structure(lambda result: self._strategy.experimental_local_results(result)[0], results)

    def share(self, batch: tf.Tensor, axis: int = 0) -> tf.Tensor:
        """In a step: this device's part of a batch that every device has."""
        if self.count == 1:
            return batch
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        size = tf.shape(batch)[axis]
        return tf.gather(batch, tf.range(number * size // self.count, (number + 1) * size // self.count), axis=axis)

    def sum(self, value: tf.Tensor) -> tf.Tensor:
        """In a step: the sum over all devices."""
        if self.count == 1:
            return value
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)

    def join(self, part: tf.Tensor) -> tf.Tensor:
        """In a step: the parts of all devices, in the order of `share`."""
        if self.count == 1:
            return part
        return tf.distribute.get_replica_context().all_gather(part, axis=0)

    def own_directory(self, directory: str) -> str:
        """The directory itself for the chief; for other processes a temporary one that is deleted with this object."""
        if self.is_chief:
            return directory
        self._temporary = tempfile.TemporaryDirectory()
        return self._temporary.name

    def receive_from_chief(self, text: str) -> str:
        """Returns the chief's text in every process."""
        if self.count == 1:
            return text
        sent = np.frombuffer(text.encode() if self.is_chief else b"", np.uint8).astype(np.int32)
        length = int(self._of_chief(np.int32(len(sent))))
        received = self._of_chief(sent if self.is_chief else np.zeros(length, np.int32))
        return received.numpy().astype(np.uint8).tobytes().decode()

    def wait_for_all(self) -> None:
        """Waits until every process calls this. A process that ends before the others looks to them as if it had crashed."""
        if self.count > 1:
            self._of_chief(np.int32(0))

    def _of_chief(self, value: np.ndarray | np.int32) -> tf.Tensor:
        """The chief's value, in every process; each passes a value of the same shape."""

        def contribute(value: tf.Tensor) -> tf.Tensor:
            is_first = tf.distribute.get_replica_context().replica_id_in_sync_group == 0
            return self.sum(tf.where(is_first, value, tf.zeros_like(value)))

        return tf.function(self.run)(contribute, tf.constant(value))


def open_replicas(distribution: Distribution) -> Replicas:
    """Finds the configured devices.

    Raises:
      ConfigurationError: TF_CONFIG does not describe the machines, or TensorFlow was used before in this process.
    """
    match distribution:
        case Distribution.NONE:
            return Replicas(tf.distribute.get_strategy())
        case Distribution.MULTI_WORKER if count_workers() > 1:
            return Replicas(_multi_worker_strategy())
        case Distribution.MIRRORED | Distribution.MULTI_WORKER:
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            return Replicas(tf.distribute.MirroredStrategy([device.name for device in devices]))


def count_workers() -> int:
    """How many processes train together by TF_CONFIG. Some platforms set it for a single one.

    Raises:
      ConfigurationError: TF_CONFIG does not describe them.
    """
    try:
        described = json.loads(os.environ.get("TF_CONFIG", ""))
        workers = [*described["cluster"].get("chief", ()), *described["cluster"].get("worker", ())]
        complete = bool(workers) and {"type", "index"} <= described["task"].keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise ConfigurationError(
            "trainer.distribution is multi_worker, but the environment variable TF_CONFIG does not say who the workers are and "
            "which of them this process is: set trainer.workers to train in several processes of this machine, or TF_CONFIG to "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        )
    return len(workers)


def count_processes_here() -> int:
    """How many of the processes that train together are on this machine, by TF_CONFIG; 1 without it."""
    try:
        described = json.loads(os.environ["TF_CONFIG"])
        task, cluster = described["task"], described["cluster"]
        hosts = [address.rpartition(":")[0] for kind in ("chief", "worker") for address in cluster.get(kind, ())]
        return hosts.count(cluster[task["type"]][task["index"]].rpartition(":")[0])
    except (ValueError, LookupError, TypeError, AttributeError):
        return 1


def _multi_worker_strategy() -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ConfigurationError(
            "trainer.distribution is multi_worker, but TensorFlow cannot connect to other workers after it has done something "
            f"else in the same process ({error})."
        ) from error
