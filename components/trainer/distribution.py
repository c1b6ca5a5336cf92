"""Training on several devices or machines as if it were one.

Every replica is given the whole batch, draws all that is random for the whole batch, and computes on its own share. So the
result is that of one device with the same batch, but for the order in which sums are rounded.
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
    """The devices that train together: one, or all of a `tf.distribute` strategy."""

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        """Keeps the strategy; TensorFlow's default one is a single device."""
        self._strategy = strategy

    @property
    def count(self) -> int:
        """How many devices there are, on all machines."""
        return int(self._strategy.num_replicas_in_sync)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        resolver = self._strategy.cluster_resolver
        if resolver is None or resolver.task_type is None:
            return True
        has_chief = "chief" in resolver.cluster_spec().jobs
        return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)

    def scope(self) -> AbstractContextManager[Any]:
        """Where the variables of what is trained are made, so that every device has them."""
        return self._strategy.scope()

    def run(self, step: Callable[..., Any], *arguments: tf.Tensor) -> Any:
        """Runs a step on every device, and gives what the first one here gives."""
        results = self._strategy.run(step, args=arguments)
        return tf.nest.map_structure(lambda result: self._strategy.experimental_local_results(result)[0], results)

    def share(self, batch: tf.Tensor, axis: int = 0) -> tf.Tensor:
        """In a step: this device's part of what all devices have."""
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
        """In a step: what all devices have of a batch, in the order of `share`."""
        if self.count == 1:
            return part
        return tf.distribute.get_replica_context().all_gather(part, axis=0)

    def own_directory(self, directory: str) -> str:
        """The directory itself for the chief; for the others one that nobody looks at, and that goes with this object."""
        if self.is_chief:
            return directory
        self._unseen = tempfile.TemporaryDirectory()
        return self._unseen.name

    def hear_chief(self, text: str) -> str:
        """What the chief gives here, in every process."""
        if self.count == 1:
            return text
        said = np.frombuffer(text.encode() if self.is_chief else b"", np.uint8).astype(np.int32)
        length = int(self._of_chief(np.int32(len(said))))
        heard = self._of_chief(said if self.is_chief else np.zeros(length, np.int32))
        return heard.numpy().astype(np.uint8).tobytes().decode()

    def wait_for_all(self) -> None:
        """Returns when every process has come this far: one that leaves early looks like one that died."""
        if self.count > 1:
            self._of_chief(np.int32(0))

    def _of_chief(self, value: np.ndarray | np.int32) -> tf.Tensor:
        """The chief's value in every process, all of which give one of the same shape."""

        def contribute(value: tf.Tensor) -> tf.Tensor:
            is_first = tf.distribute.get_replica_context().replica_id_in_sync_group == 0
            return self.sum(tf.where(is_first, value, tf.zeros_like(value)))

        return tf.function(self.run)(contribute, tf.constant(value))


def open_replicas(distribution: Distribution) -> Replicas:
    """The devices that the configuration asks for.

    Raises:
      ConfigurationError: Several machines are asked for and TF_CONFIG does not name them, or TensorFlow was used before.
    """
    match distribution:
        case Distribution.NONE:
            return Replicas(tf.distribute.get_strategy())
        case Distribution.MIRRORED:
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            return Replicas(tf.distribute.MirroredStrategy([device.name for device in devices]))
        case Distribution.MULTI_WORKER:
            _check_cluster(os.environ.get("TF_CONFIG", ""))
            return Replicas(_multi_worker_strategy())


def _multi_worker_strategy() -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ConfigurationError(
            "trainer.distribution is multi_worker, but TensorFlow finds other workers only before it has done anything else "
            f"in a process: run the Trainer in a process of its own, not after other components ({error})."
        ) from error


def _check_cluster(tf_config: str) -> None:
    try:
        described = json.loads(tf_config)
        complete = bool(described["cluster"]["worker"]) and {"type", "index"} <= described["task"].keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise ConfigurationError(
            "trainer.distribution is multi_worker, but the environment variable TF_CONFIG does not say who the workers are and "
            'which this is: set it to {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        )
