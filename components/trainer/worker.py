"""One process of a training in several: `python -m components.trainer.worker`.

TF_CONFIG describes the processes and which of them this one is. The Trainer starts the chief, and those of its own machine,
with the number of a socket to it (`processes.py`). Without one, this is a worker on another machine; it gets all else from the
chief. Files must have the same names on all machines.
"""

import logging
import os
import pickle
import sys
import threading
import traceback
from multiprocessing.connection import Connection

from components.errors import PipelineError
from components.keras_environment import prepare_keras
from components.progress import part_of

_LOGGER = logging.getLogger("tfx_vae")


def main() -> int:
    """Trains until the chief is done, and returns the exit status."""
    prepare_keras()
    if len(sys.argv) > 1:
        return _work_for(Connection(int(sys.argv[1])))
    try:
        _train("")
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _work_for(trainer: "Connection[object, str]") -> int:
    """Trains for the Trainer that started this process, tells it what happens, and ends with it."""
    arguments = trainer.recv()
    threading.Thread(target=_end_with, args=(trainer,), daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s %(levelname)s process {os.getpid()} %(name)s: %(message)s")
    if arguments:  # of the chief; the others would report the same
        _LOGGER.setLevel(logging.INFO)
        _LOGGER.propagate = False
        _LOGGER.addHandler(_ToTrainer(trainer))
    try:
        _train(arguments)
    except Exception as error:
        traceback.print_exc()
        trainer.send(_sendable(error))
        return 1
    return 0


def _train(arguments: str) -> None:
    """Takes part in a training; `arguments` are the chief's, and empty in the others."""
    from components.trainer.config import Distribution
    from components.trainer.distribution import open_replicas
    from components.trainer.run import TrainingArguments, train

    replicas = open_replicas(Distribution.MULTI_WORKER)
    if replicas.is_chief != bool(arguments):
        raise PipelineError(
            "TF_CONFIG makes this process the chief, but that is the Trainer of the pipeline: set another task index."
            if replicas.is_chief
            else "TF_CONFIG makes the Trainer of the pipeline a worker, but it must be the chief: set its task index to 0."
        )
    with part_of(f"{replicas.count} workers"):
        train(TrainingArguments.model_validate_json(replicas.receive_from_chief(arguments)), replicas)


def _end_with(trainer: "Connection[object, str]") -> None:
    try:
        trainer.recv()
    except (EOFError, OSError):
        os._exit(1)


class _ToTrainer(logging.Handler):
    """Sends records of the log, progress among them."""

    def __init__(self, trainer: "Connection[object, str]") -> None:
        super().__init__()
        self._trainer = trainer

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self._trainer.send(record)


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its class does when it is made again
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


if __name__ == "__main__":
    sys.exit(main())
