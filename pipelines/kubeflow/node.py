"""The entry point of a step: runs one node of the pipeline.

    python -m pipelines.kubeflow.node --node Trainer --run-id 0b41 --configuration "$(cat configuration.json)" --epochs 45 ...

It rebuilds the pipeline from the configuration it is handed and launches the node through TFX's portable launcher, against the
ML Metadata and the pipeline root that all steps share. What a step prints is its log, which KFP keeps.
Steps of one run are on different machines: what one has to know of the others, it reads from ML Metadata by `SharedRun`.
"""

import datetime
import logging
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import click

from components.errors import ConfigurationError, PipelineError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.parameters import Parameters, configuration, parse_run_date
from pipelines.local import failures, session
from pipelines.local.process import log_to_stderr, prepare_environment, prepare_streams
from pipelines.mlmd import names
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.lock import database_lock
from pipelines.mlmd.record import start_record, write_facts
from pipelines.notification import notify

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_log = logging.getLogger(__name__)
_KILLED = "the step was killed: it was canceled, ran out of memory, or its machine went away"
_RUN: Final = "pipeline_run"
_FAILURE_OF: Final = f"{names.ERROR} of "
"""And a node: why it failed, until it is tried again; a custom property of the run's context."""

_FAILURES_OF: Final = "failures of "
"""And a node: how often it has failed; a custom property of the run's context."""

_USAGE: Final = 2
"""The exit status of a configuration that is wrong, which no retry makes right."""

RETRY_AFTER_SECONDS: Final = 30
"""As for KFP's own retries, and twice as long before each further one."""

RUN_DATE: Final = "run_date"
"""The date of a run, as 2026-01-31: a custom property of its context."""


def run_node(node: str, run_id: str, text: str, parameters: Parameters) -> int:
    """Runs one node of a run.

    Args:
      node: Its name, e.g. `Trainer`.
      run_id: The run's; the same for all of its steps.
      text: The configuration, as `as_text` wrote it.
      parameters: What the run changes of it.

    Returns:
      The exit status: 0 if the node did its work, now or in an earlier attempt, or was served from the cache; 1 if it failed; 2
      if the configuration asks for what cannot be done.
    """
    prepare_streams()
    prepare_environment()
    log_to_stderr()
    try:
        if run_id.startswith("{{"):
            # All runs would share this id, and be finished once the first has ended.
            raise ConfigurationError(
                f"Kubeflow did not replace {run_id} with the id of the run: its backend must be 2.5.0 or newer."
            )
        config = configuration(text, parameters)
        with (
            failures.interrupted_by_sigterm(),
            session.own_arguments_hidden(),
            database_lock(config.metadata_location, f"{node} of run {run_id}", _wait),
        ):
            _run(node, run_id, config, text, parameters)
    except Exception as error:
        traceback.print_exception(error)
        failure = failures.explain(error)
        click.echo(f"{node} failed: {failure.message}", err=True)
        return failure.exit_status
    return 0


def run_or_exit(node: str, run_id: str, text: str, parameters: Parameters) -> None:
    """Runs one node of a run as `run_node` does, up to `retries` times again, and ends the process if it failed.

    From 2.17.0 KFP does not start a failed step again. Earlier versions do, and each such process makes one attempt.
    """
    while status := run_node(node, run_id, text, parameters):
        failed = _failures_to_retry(node, run_id, text) if status != _USAGE else 0
        if not failed:
            sys.exit(status)
        delay = RETRY_AFTER_SECONDS * 2 ** (failed - 1)
        _log.info("%s is tried again in %d seconds.", node, delay)
        time.sleep(delay)


def _failures_to_retry(node: str, run_id: str, text: str) -> int:
    """How often a node has failed in this run; 0 if it should not be tried again, or this is not known."""
    config = configuration(text, None)
    retries = config.kubeflow.step(node).retries or 0
    with suppress(Exception):  # the failure of the node is the one to report
        failed = SharedRun(open_store(config.metadata_location), config.name, run_id).failures(node)
        return failed if failed <= retries else 0
    return 0


def notify_of_run(run_id: str, text: str) -> None:
    """Runs `notify.command` at the end of a run: the work of a step that KFP starts even if another step failed.

    Args:
      run_id: The run's; the same for all of its steps.
      text: The configuration, as `as_text` wrote it.
    """
    log_to_stderr()
    notify(configuration(text, None), run_id)


def _run(node: str, run_id: str, undated: PipelineConfig, text: str, parameters: Parameters) -> None:
    run = SharedRun(open_store(undated.metadata_location), undated.name, run_id)
    date = run.join(node, undated.pipeline_root, parse_run_date(parameters.run_date), undated.settings())
    try:
        config = configuration(text, parameters, date)
        session.check(config)
        _launch(node, run_id, config)
    except BaseException as error:
        # The first error is the one to report, and a server may have closed the connection during a long training.
        with suppress(Exception):
            reconnected = SharedRun(open_store(undated.metadata_location), undated.name, run_id)
            reconnected.fail(node, failures.explain(error).message if isinstance(error, Exception) else _KILLED)
        raise


def _launch(node: str, run_id: str, config: PipelineConfig) -> None:
    # Takes many seconds, so only once the configuration is known to be good.
    from components import private_tfx
    from pipelines.local.runner import launch_node
    from pipelines.pipeline import create_pipeline

    log_to_stderr()  # absl replaces the handlers of the root logger when TFX is imported
    pipeline = private_tfx.compile_pipeline(create_pipeline(config))
    private_tfx.set_run_id(pipeline, run_id)
    nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in pipeline.nodes}
    if node not in nodes:
        raise ConfigurationError(f"There is no component {node}; there are {', '.join(nodes)}.")
    if node == "Trainer" and config.trainer.workers > 1:
        from pipelines.kubeflow.workers import meeting_place

        meeting_place(config, run_id).announce()
    run = SharedRun(open_store(config.metadata_location), config.name, run_id)
    if run.is_finished(node):
        _log.info("An earlier attempt has finished %s in run %s.", node, run_id)
    else:
        run.require(nodes[node].upstream_nodes)
        for execution in run.forget_attempts(node):
            _remove_outputs(f"{config.pipeline_root}/{node}", execution)
        result = launch_node(pipeline, nodes[node], config.metadata_location)
        _log.info("%s of run %s: %s, execution %d.", node, run_id, result.state, result.execution_id)
    SharedRun(open_store(config.metadata_location), config.name, run_id).succeed(list(nodes))


def _remove_outputs(directory: str, execution: int) -> None:
    """Removes what a killed attempt may have half written: the launcher gives the next attempt the same directories."""
    from tfx.dsl.io import fileio

    for leftover in [*fileio.glob(f"{directory}/*/{execution}"), *fileio.glob(f"{directory}/.system/*/{execution}")]:
        fileio.rmtree(leftover)


@contextmanager
def _wait(reason: str) -> Iterator[None]:
    _log.info(reason)
    yield


class SharedRun:
    """One run, as one of its steps sees it.

    KFP starts a step after those before it have succeeded. It may start one again, because it failed or its machine was taken
    away, perhaps after the work was done. So this relies on what ML Metadata has recorded, not on KFP.
    """

    def __init__(self, store: Any, pipeline: str, run_id: str) -> None:
        """Refers to a run.

        Args:
          store: An `ml_metadata.MetadataStore`.
          pipeline: The pipeline's name.
          run_id: The run's id; the same for all steps, and for all attempts of a step.
        """
        self._store = store
        self._pipeline = pipeline
        self._run_id = run_id

    def join(
        self, node: str, pipeline_root: str, date: datetime.date | None, settings: dict[str, Any] | None = None
    ) -> datetime.date:
        """Records that the run is running, unless another node has failed.

        Args:
          node: The step; an earlier failure of it no longer counts.
          pipeline_root: The directory of its artifacts.
          date: The date of the run; None is the day on which its first step joined it, in UTC.
          settings: The settings of the run.

        Returns:
          The date, the same for every step.
        """
        start_record(self._store, self._pipeline, self._run_id, pipeline_root, None, settings)
        context = self._context()
        began = datetime.datetime.fromtimestamp(context.create_time_since_epoch / 1000, datetime.UTC).date()
        write_facts(self._store, context, {RUN_DATE: (date or began).isoformat(), _FAILURE_OF + node: None})
        self._settle()
        return date or began

    def is_finished(self, node: str) -> bool:
        """Whether a node has done its work in this run, or was served from the cache."""
        from ml_metadata.proto import metadata_store_pb2

        ended_well = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
        return any(execution.last_known_state in ended_well for execution in self._executions(node))

    def require(self, nodes: Iterable[str]) -> None:
        """Refuses to continue unless all of these have succeeded.

        Raises:
          PipelineError: Which.
        """
        if missing := [node for node in nodes if not self.is_finished(node)]:
            raise PipelineError(f"This needs {', '.join(missing)}, which did not succeed in run {self._run_id}.")

    def forget_attempts(self, node: str) -> list[int]:
        """Prepares for another attempt: TFX's launcher takes up the execution of the one before, in whatever state it is.

        An attempt that failed has said so; one that was killed is still recorded as running.

        Returns:
          The executions, whose outputs may be half written.
        """
        executions = self._executions(node)
        for execution in executions:
            if names.ERROR in execution.custom_properties:
                del execution.custom_properties[names.ERROR]
        self._store.put_executions(executions)
        return [execution.id for execution in executions]

    def fail(self, node: str, error: str) -> None:
        """Records that a node failed, and the run with it; other nodes continue."""
        from ml_metadata.proto import metadata_store_pb2

        states = metadata_store_pb2.Execution
        ended_well = (states.COMPLETE, states.CACHED)
        executions = [execution for execution in self._executions(node) if execution.last_known_state not in ended_well]
        for execution in executions:
            execution.last_known_state = states.FAILED
            execution.custom_properties[names.ERROR].string_value = error
        self._store.put_executions(executions)
        write_facts(
            self._store, self._context(), {_FAILURE_OF + node: error, _FAILURES_OF + node: str(self.failures(node) + 1)}
        )
        self._settle()

    def failures(self, node: str) -> int:
        """How often a node has failed in this run."""
        context = self._context()
        return int(context.custom_properties[_FAILURES_OF + node].string_value or 0) if context else 0

    def succeed(self, nodes: Sequence[str]) -> bool:
        """Records that the run is complete, if all these nodes are finished.

        Returns:
          Whether they are.
        """
        if all(self.is_finished(node) for node in nodes):
            write_facts(self._store, self._context(), {names.STATE: "complete", names.ERROR: ""})
            return True
        return False

    def _settle(self) -> None:
        """Makes the state of the run follow from those of its nodes.

        Steps on other machines write at the same time, so it reads what it wrote again: the last one to write has seen all.
        """
        while True:
            context = self._context()
            found = {name: value.string_value for name, value in context.custom_properties.items()}
            errors = [value for name, value in found.items() if name.startswith(_FAILURE_OF)]
            error = found.get(names.ERROR, "")
            if error not in errors:
                error = min(errors, default="")
            settled = {names.STATE: "failed" if errors else "running", names.ERROR: error}
            if settled.items() <= found.items():
                return
            write_facts(self._store, context, settled)

    def _context(self) -> "metadata_store_pb2.Context":
        return self._store.get_context_by_type_and_name(_RUN, self._run_id)

    def _executions(self, node: str) -> "list[metadata_store_pb2.Execution]":
        of_node = self._store.get_context_by_type_and_name("node", f"{self._pipeline}.{node}")
        of_run = self._context()
        if of_node is None or of_run is None:
            return []
        in_run = {execution.id for execution in self._store.get_executions_by_context(of_run.id)}
        return [execution for execution in self._store.get_executions_by_context(of_node.id) if execution.id in in_run]


@click.command()
@click.option("--node", required=True, help="The component, e.g. Trainer.")
@click.option("--run-id", required=True, help="The run, the same for all of its steps.")
@click.option("--configuration", "text", required=True, help="What `tfx-vae kubeflow compile` wrote into the pipeline.")
@click.option("--epochs", type=int, required=True)
@click.option("--latent-dim", type=int, required=True)
@click.option("--beta", type=float, required=True)
@click.option("--dataset", default="")
@click.option("--run-date", default="", help="What replaces {run_date}.")
def main(node: str, run_id: str, text: str, epochs: int, latent_dim: int, beta: float, dataset: str, run_date: str) -> None:
    """Run one component of the pipeline, as a step on Kubeflow does."""
    sys.exit(run_node(node, run_id, text, Parameters(epochs, latent_dim, beta, dataset, run_date)))


if __name__ == "__main__":
    main()
