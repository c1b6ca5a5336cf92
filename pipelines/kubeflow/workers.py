"""The steps that train one model together with the Trainer: `trainer.workers` less one, each on a machine of its own."""

import logging
import sys
import time
import traceback
from typing import Final

import click

from components.errors import PipelineError
from components.trainer.processes import train_in_processes
from components.trainer.rendezvous import Rendezvous
from pipelines.config import PipelineConfig
from pipelines.kubeflow.node import RETRY_AFTER_SECONDS, SharedRun
from pipelines.kubeflow.parameters import configuration
from pipelines.local import failures
from pipelines.local.process import log_to_stderr, prepare_environment, prepare_streams
from pipelines.mlmd.connections import open_store

_TRAINER: Final = "Trainer"
_log = logging.getLogger(__name__)


def meeting_place(config: PipelineConfig, run_id: str) -> Rendezvous:
    """Where the Trainer and the workers of a run find each other."""
    directory = f"{config.pipeline_root}/{_TRAINER}/.system/rendezvous/{run_id}"
    return Rendezvous(directory, config.trainer.workers, config.kubeflow.workers_wait_seconds)


def work_or_exit(index: int, run_id: str, text: str) -> None:
    """Takes part in the training of a run; ends the process if that failed as often as the Trainer may.

    The Trainer records how it went.

    Args:
      index: Of this worker, from 1 on.
      run_id: The run's; the same for all of its steps.
      text: The configuration, as `as_text` wrote it.
    """
    prepare_streams()
    prepare_environment()
    log_to_stderr()
    config = configuration(text, None)
    for attempt in range(_retries(config) + 1):
        try:
            with failures.interrupted_by_sigterm():
                _work(index, run_id, config)
        except Exception as error:
            traceback.print_exception(error)
            click.echo(f"Worker {index} of the Trainer failed: {failures.explain(error).message}", err=True)
        else:
            return
        if attempt < _retries(config):
            time.sleep(RETRY_AFTER_SECONDS * 2**attempt)
    sys.exit(failures.FAILED)


def _retries(config: PipelineConfig) -> int:
    return config.kubeflow.step(_TRAINER).retries or 0


def _work(index: int, run_id: str, config: PipelineConfig) -> None:
    def is_trained() -> bool:
        run = SharedRun(open_store(config.metadata_location), config.name, run_id)
        if run.failures(_TRAINER) > _retries(config):
            raise PipelineError(f"The Trainer has failed in run {run_id}, and is not tried again.")
        return run.is_finished(_TRAINER)

    with meeting_place(config, run_id).met_as_worker(index, is_trained) as environment:
        if environment:
            train_in_processes("", [environment])
        else:
            _log.info("The Trainer of run %s needs no workers: it is done, or was served from the cache.", run_id)
