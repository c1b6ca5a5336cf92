"""Runs one variant: what is no part of it comes out of the cache of the pipeline that the sweep started from."""

from pathlib import Path

from tfx.proto.orchestration import pipeline_pb2

from pipelines.config import PipelineConfig
from pipelines.local.display import NodeResult, RunDisplay
from pipelines.local.runner import WatchedLocalDagRunner
from pipelines.mlmd.lock import locked
from pipelines.pipeline import create_pipeline

_TRAINER = "Trainer"
_EVALUATOR = "Evaluator"
_BASELINE = "BaselineResolver"


class VariantRunner(WatchedLocalDagRunner):
    """Runs the Trainer, the Evaluator and what is upstream of them, and nothing else.

    There is no baseline: variants are compared with each other, and an evaluation should not depend on their order. Without
    the Resolver's execution the Evaluator's optional input is empty.

    TFX's cache key holds the name of the pipeline, as `pipeline_info` has it, and not the contexts that an execution is filed
    under. So an execution upstream of both is looked up, and kept, under the name of the pipeline that the sweep started
    from, while ML Metadata has it as part of the sweep. All variants have the same data, as has that pipeline.
    """

    def __init__(self, shared_with: str, display: RunDisplay, run_id: str, config: PipelineConfig, log: Path) -> None:
        """Makes a runner.

        Args:
          shared_with: The pipeline whose data is taken.
          display: Where to show what happens.
          run_id: The name of the run in ML Metadata.
          config: The variant's.
          log: The log of the run.
        """
        super().__init__(display, run_id, config.metadata_location, log)
        self._shared_with = shared_with

    def _run_node(self, pipeline: pipeline_pb2.Pipeline, node: pipeline_pb2.PipelineNode) -> None:
        data = _upstream(pipeline, _EVALUATOR) - {_TRAINER, _BASELINE}
        if node.node_info.id in data:
            shared = pipeline_pb2.Pipeline()
            shared.CopyFrom(pipeline)
            shared.pipeline_info.id = self._shared_with
            super()._run_node(shared, node)
        elif node.node_info.id in (_TRAINER, _EVALUATOR):
            super()._run_node(pipeline, node)


def run_variant(shared_with: str, config: PipelineConfig, run_id: str, log: Path, display: RunDisplay) -> dict[str, NodeResult]:
    """Runs one variant.

    Args:
      shared_with: The pipeline whose data is taken.
      config: The variant's.
      run_id: The name of the run in ML Metadata; new for each run.
      log: The log of the sweep.
      display: Where to show what happens.

    Returns:
      What became of each node that ran.

    Raises:
      Exception: What the first component to fail raised.
    """
    runner = VariantRunner(shared_with, display, run_id, config, log)
    with locked(log):
        runner.run(create_pipeline(config))
    return runner.results


def _upstream(pipeline: pipeline_pb2.Pipeline, node_id: str) -> set[str]:
    """All nodes that a node depends on, directly or not."""
    direct = {node.pipeline_node.node_info.id: set(node.pipeline_node.upstream_nodes) for node in pipeline.nodes}
    found: set[str] = set()
    waiting = set(direct[node_id])
    while waiting:
        found |= waiting
        waiting = {before for node in waiting for before in direct[node]} - found
    return found
