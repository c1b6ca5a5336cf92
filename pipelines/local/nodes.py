"""Launches one node of a compiled pipeline and says what became of it.

TFX's own loop (tfx/orchestration/local/local_dag_runner.py) neither says whether a node was cached nor notices a node whose
inputs could not be resolved: its launcher records that one as failed and returns.
"""

from typing import Any, Self

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher
from tfx.proto.orchestration import pipeline_pb2

from components.errors import PipelineError
from pipelines.local.node_result import NodeResult, NodeState
from pipelines.mlmd.client import connection_config, open_store
from pipelines.mlmd.location import Location

_Execution = metadata_store_pb2.Execution


class StoreHandle(metadata.Metadata):
    """What TFX's launcher reaches ML Metadata by, opened as all of this project opens it."""

    def __init__(self, location: Location) -> None:
        """Refers to a database; `with` connects to it."""
        super().__init__(connection_config(location))
        self._location = location

    def __enter__(self) -> Self:
        self._store = open_store(self._location)
        self._users += 1
        return self


def launch_node(
    pipeline: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    location: Location,
) -> NodeResult:
    """Runs one node: its driver, its executor, its publisher.

    Args:
      pipeline: A compiled pipeline whose run id is set.
      node: One of its nodes; those before it have run.
      location: Where ML Metadata is, with the password that a compiled pipeline has not.

    Returns:
      How it ended.

    Raises:
      PipelineError: Its inputs could not be resolved.
      Exception: Whatever its executor raised; ML Metadata then has the execution as failed.
    """
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    node_id = node.node_info.id
    execution = launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=StoreHandle(location),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
    ).launch()
    with StoreHandle(location) as handle:
        return _result(handle.store, node_id, execution.execution_id)


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
