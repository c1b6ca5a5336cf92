"""Runs a pipeline on this machine: its components in order, some beside others, watched, logged, continued if interrupted.

TFX's own loop (tfx/orchestration/local/local_dag_runner.py) does not say whether a node was cached, and does not notice a node
whose inputs could not be resolved: its launcher records that one as failed and returns.
"""

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.proto.orchestration import pipeline_pb2

from components import private_tfx
from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.local import failures
from pipelines.local.beside import Helpers, Job, components_at_once
from pipelines.local.display import NodeResult, NodeState, RunDisplay
from pipelines.local.failures import remembered_interruption
from pipelines.mlmd.connections import check_values, connection_config, open_store
from pipelines.mlmd.location import Location
from pipelines.mlmd.lock import locked
from pipelines.mlmd.moved_root import follow_moved_root
from pipelines.mlmd.record import end_killed, finish_record, seconds_last_time, start_record
from pipelines.pipeline import create_pipeline

_Execution = metadata_store_pb2.Execution


def run_pipeline(
    config: PipelineConfig, run_id: str, log: Path, display: RunDisplay, until: str | None = None
) -> dict[str, NodeResult]:
    """Runs the pipeline of a configuration.

    Args:
      config: A validated configuration.
      run_id: The name of the run in ML Metadata; new for each run.
      log: The log of the run, an existing file, which is locked until the run ends.
      display: Where to show what happens; everything else should be printed to the log.
      until: The node to run with those that it needs; None runs all.

    Returns:
      The results of the nodes; empty if the `tfx` command line only looks for the pipeline.

    Raises:
      Exception: What the first component to fail raised.
    """
    at_once = components_at_once(config.runtime.parallel_nodes)
    runner = WatchedLocalDagRunner(display, run_id, config.metadata_location, log, config.settings(), until, at_once)
    with locked(log):
        runner.run(create_pipeline(config))
    return runner.results


class WatchedLocalDagRunner(LocalDagRunner):
    """TFX's local runner, with a display and with results.

    `run` is TFX's own, so that the `tfx` command line finds the pipeline in a file that calls it.

    Attributes:
      results: By node, in the order in which they ended; empty if nothing ran.
    """

    def __init__(
        self,
        display: RunDisplay,
        run_id: str,
        location: Location,
        log: Path,
        settings: dict[str, Any] | None = None,
        until: str | None = None,
        at_once: int = 1,
    ) -> None:
        """Makes a runner.

        Args:
          display: Where to show what happens.
          run_id: The name of the run in ML Metadata; new for each run.
          location: Where ML Metadata is.
          log: The log of the run, noted in ML Metadata.
          settings: The settings of the run, likewise.
          until: The node to run with those that it needs; None runs all.
          at_once: How many nodes may run at the same time.
        """
        super().__init__()
        self._display = display
        self._run_id = run_id
        self._location = location
        self._log = log
        self._settings = settings
        self._until = until
        self._at_once = at_once
        self._helpers = Helpers((), 1, launch_node)
        self.results: dict[str, NodeResult] = {}

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options: pipeline_pb2.RunOptions | None = None) -> None:
        """Runs each node of a compiled pipeline, in topological order, some beside the next ones (`beside.py`).

        Raises:
          ValueError: There are `run_options`: partial runs are not supported, because finished work comes from the cache.
          Exception: What the first component to fail raised; nothing after it ran.
        """
        if run_options:
            raise ValueError("WatchedLocalDagRunner has no partial runs: finished work comes from the cache.")
        private_tfx.set_run_id(pipeline, self._run_id)
        nodes = self._chosen(pipeline)
        self._display.run_started(pipeline.pipeline_info.id, self._run_id, len(nodes))
        # First of all: a process that is forked must not have a connection to a database.
        self._helpers = Helpers({node.node_info.id for node in nodes}, self._at_once, launch_node)
        try:
            self._run_nodes(pipeline, nodes)
        finally:
            self._helpers.kill()

    def _run_nodes(self, pipeline: pipeline_pb2.Pipeline, nodes: list[pipeline_pb2.PipelineNode]) -> None:
        root = pipeline.runtime_spec.pipeline_root.field_value.string_value
        store = open_store(self._location, check_values(self._location))
        follow_moved_root(store, self._location)
        end_killed(store)
        start_record(store, pipeline.pipeline_info.id, self._run_id, root, self._log, self._settings)
        try:
            with remembered_interruption() as interruption, self._helpers.ended():
                for node in nodes:
                    interruption.raise_if_asked_for()
                    self._helpers.wait_for(node.upstream_nodes)
                    self._run_node(pipeline, node)
        except BaseException as error:
            # The cause may be the disk that holds the database; the first error is the one to report.
            with contextlib.suppress(Exception):
                if isinstance(error, KeyboardInterrupt):
                    self._finish("canceled")
                else:
                    self._finish("failed", failures.explain(error, Path(root)).message)
            raise
        self._finish("complete")

    def _chosen(self, pipeline: pipeline_pb2.Pipeline) -> list[pipeline_pb2.PipelineNode]:
        """The nodes to run, in topological order."""
        chosen = None if self._until is None else {self._until, *upstream(pipeline, self._until)}
        nodes = [node.pipeline_node for node in pipeline.nodes]
        return [node for node in nodes if chosen is None or node.node_info.id in chosen]

    def _finish(self, state: str, error: str = "") -> None:
        # On a new connection: a server drops one that is silent for the hours of a training.
        finish_record(open_store(self._location), self._run_id, state, error)

    def _run_node(
        self,
        pipeline: pipeline_pb2.Pipeline,
        node: pipeline_pb2.PipelineNode,
    ) -> None:
        node_id = node.node_info.id
        started = time.monotonic()
        store = open_store(self._location)
        helper = self._helpers.free_for(node_id)
        last_time = seconds_last_time(store, pipeline.pipeline_info.id, node_id)
        self._display.node_started(node_id, last_time, is_beside=helper is not None)

        def ended(result: NodeResult) -> None:
            self.results[node_id] = result
            self._display.node_ended(node_id, result, time.monotonic() - started)

        def failed(error: BaseException) -> None:
            self._display.node_failed(node_id, time.monotonic() - started)
            if helper is not None:  # what runs beside it may take hours
                self._display.warn(f"{failures.explain(error).message} The run ends when nothing else runs.")

        if helper is not None:
            helper.start(Job(pipeline, node, self._location), self._display, ended, failed)
            return
        try:
            result = launch_node(pipeline, node, self._location)
        except Exception as error:
            failed(error)
            error.add_note(f"while running {node_id}")
            raise
        ended(result)


def upstream(pipeline: pipeline_pb2.Pipeline, node_id: str) -> set[str]:
    """All nodes that a node depends on, directly or indirectly."""
    direct = {node.pipeline_node.node_info.id: set(node.pipeline_node.upstream_nodes) for node in pipeline.nodes}
    found: set[str] = set()
    waiting = set(direct[node_id])
    while waiting:
        found |= waiting
        waiting = {before for node in waiting for before in direct[node]} - found
    return found


def launch_node(
    pipeline: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    location: Location,
) -> NodeResult:
    """Runs one node: its driver, its executor, its publisher.

    Args:
      pipeline: A compiled pipeline whose run id is set.
      node: One of its nodes; those before it have run.
      location: Where ML Metadata is, with the password, which a compiled pipeline does not hold.

    Returns:
      How it ended.

    Raises:
      PipelineError: Its inputs could not be resolved.
      Exception: Whatever its executor raised; ML Metadata then has the execution as failed.
    """
    execution = private_tfx.launch(pipeline, node, connection_config(location), partial(open_store, location))
    return _result(open_store(location), node.node_info.id, execution)


def _result(store: Any, node_id: str, execution_id: int) -> NodeResult:
    [execution] = store.get_executions_by_id([execution_id])
    if execution.last_known_state not in (_Execution.COMPLETE, _Execution.CACHED):
        state = _Execution.State.Name(execution.last_known_state)
        raise PipelineError(f"{node_id} did not run: ML Metadata has its execution {execution_id} as {state}.")
    is_cached = execution.last_known_state == _Execution.CACHED
    outputs: dict[str, list[metadata_store_pb2.Artifact]] = {}
    for event in store.get_events_by_execution_ids([execution_id]):
        if event.type in (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT):
            outputs.setdefault(event.path.steps[0].key, []).extend(store.get_artifacts_by_id([event.artifact_id]))
    return NodeResult(NodeState.CACHED if is_cached else NodeState.RAN, execution_id, outputs)
