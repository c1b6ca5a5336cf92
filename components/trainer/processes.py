"""A training in several processes, started and watched by the Trainer, which has used TensorFlow: it cannot be one of them."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Final

import tensorflow as tf

from components.errors import ConfigurationError, PipelineError

_HERE: Final = "127.0.0.1"
_LOGGER: Final = logging.getLogger("tfx_vae")


@dataclass(frozen=True)
class _Process:
    """One that was started.

    Attributes:
      name: For messages.
      process: The process.
      connection: To it; closed by the system when it ends, however.
    """

    name: str
    process: "subprocess.Popen[bytes]"
    connection: "Connection[str, Any]"


def train_on_this_machine(arguments: str, count: int) -> None:
    """Trains in this many processes of this machine, which share its GPUs.

    Args:
      arguments: Of the training, as JSON.
      count: Number of processes.

    Raises:
      ConfigurationError: They cannot share the GPUs evenly.
      PipelineError: One of them was killed; the others were ended.
      Exception: What one of them raised; likewise.
    """
    gpus = _shares_of_gpus(count)
    with reserved_ports(count) as ports:
        workers = [f"{_HERE}:{port}" for port in ports]
        train_in_processes(arguments, [environment_of(workers, index) | gpus[index] for index in range(count)])


def train_in_processes(arguments: str, environments: Sequence[Mapping[str, str]]) -> None:
    """Trains in processes of this machine: the chief and perhaps others.

    Args:
      arguments: Of the training, as JSON.
      environments: What each process has beside the environment of this one; the first is the chief's.

    Raises:
      PipelineError: One of them was killed; the others were ended.
      Exception: What one of them raised; likewise.
    """
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(_started(f"process {index + 1} of {len(environments)} of the training", environment))
            for index, environment in enumerate(environments)
        ]
        for process in processes:
            process.connection.send(arguments if process is processes[0] else "")
            _LOGGER.info("%s has the number %d.", process.name.capitalize(), process.process.pid)
        _watch(processes)


@contextlib.contextmanager
def _started(name: str, environment: Mapping[str, str]) -> Iterator[_Process]:
    """Starts a process, which is ended when the context is left."""
    here, there = Pipe()
    with here, there:
        process = subprocess.Popen(
            [sys.executable, "-m", "components.trainer.worker", str(there.fileno())],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
            pass_fds=[there.fileno()],
            process_group=0,  # Ctrl-C in a terminal is for this process, which ends the others
        )
        there.close()
        try:
            yield _Process(name, process, here)
        finally:
            process.kill()
            process.wait()


def _watch(processes: Sequence[_Process]) -> None:
    """Passes on what the processes report, until all have ended."""
    running = {process.connection: process for process in processes}
    while running:
        for connection in wait(list(running)):
            process = running[connection]  # type: ignore[index]  # typeshed: `wait` may return sockets and numbers too
            try:
                message = process.connection.recv()
            except (EOFError, OSError):
                del running[process.connection]
                _check_ended_well(process)
                continue
            if isinstance(message, Exception):
                raise message
            logging.getLogger(message.name).handle(message)


def _check_ended_well(process: _Process) -> None:
    status = process.process.wait()
    if status:
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        raise PipelineError(
            f"{process.name.capitalize()} (number {process.process.pid}) {how}, so all were ended: run again, and the "
            "training continues after its last complete epoch. If nobody killed it, the machine may have run out of memory."
        )


def environment_of(workers: Sequence[str], index: int) -> dict[str, str]:
    """What a process needs to know, as environment variables.

    Args:
      workers: Where each listens, `host:port`, on a port that is reserved; the first is the chief.
      index: Of the process.
    """
    return {
        "TF_CONFIG": json.dumps({"cluster": {"worker": list(workers)}, "task": {"type": "worker", "index": index}}),
        "TF_GRPC_REUSE_PORT": "1",
        # gRPC would send what they say to each other through a proxy that the environment names.
        "no_grpc_proxy": ",".join(worker.rpartition(":")[0] for worker in workers),
    }


@contextlib.contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Free ports, which only a process that says so can listen on."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            reserved = stack.enter_context(socket.socket())
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind(("", 0))
            ports.append(reserved.getsockname()[1])
        yield ports


def _shares_of_gpus(count: int) -> list[dict[str, str]]:
    """For each process the variable that shows it its own GPUs; none on a machine without them."""
    found = len(tf.config.list_physical_devices("GPU"))
    if not found:
        return [{}] * count
    if found % count:
        raise ConfigurationError(
            f"trainer.workers: {count} processes cannot share the {found} GPUs of this machine evenly: set it to a number that "
            f"divides {found}, or hide GPUs with the environment variable CUDA_VISIBLE_DEVICES."
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",")[:found] if visible else [str(number) for number in range(found)]
    return [{"CUDA_VISIBLE_DEVICES": ",".join(names[index::count])} for index in range(count)]
