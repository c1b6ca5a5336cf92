"""Runs one variant of a sweep; the components before the Trainer share the cache with the original pipeline."""

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
    """Runs only the Trainer, the Evaluator and the nodes that they depend on.

    There is no baseline: variants are compared with each other, and an evaluation must not depend on their order. The Resolver
    does not run, so the Evaluator's optional input is empty.

    TFX's cache key contains the pipeline's name in `pipeline_info`, but not the contexts of an execution. Nodes that both
    depend on therefore run under the name of the original pipeline, which shares its cache with them, while ML Metadata records
    them in the contexts of the sweep. All variants have the same data as the original pipeline.
    """

    def __init__(self, shared_with: str, display: RunDisplay, run_id: str, config: PipelineConfig, log: Path) -> None:
        """Makes a runner.

        Args:
          shared_with: The pipeline that shares its cache.
          display: Shows the progress.
          run_id: The name of the run in ML Metadata.
          config: The configuration of the variant.
          log: The log of the run.
        """
        super().__init__(display, run_id, config.metadata_location, log, until=_EVALUATOR)
        self._shared_with = shared_with

    def _chosen(self, pipeline: pipeline_pb2.Pipeline) -> list[pipeline_pb2.PipelineNode]:
        return [node for node in super()._chosen(pipeline) if node.node_info.id != _BASELINE]

    def _run_node(self, pipeline: pipeline_pb2.Pipeline, node: pipeline_pb2.PipelineNode) -> None:
        if node.node_info.id not in (_TRAINER, _EVALUATOR):
            shared = pipeline_pb2.Pipeline()
            shared.CopyFrom(pipeline)
            shared.pipeline_info.id = self._shared_with
            pipeline = shared
        super()._run_node(pipeline, node)


def run_variant(shared_with: str, config: PipelineConfig, run_id: str, log: Path, display: RunDisplay) -> dict[str, NodeResult]:
    """Runs one variant.

    Args:
      shared_with: The pipeline that shares its cache.
      config: The configuration of the variant.
      run_id: The name of the run in ML Metadata; new for each run.
      log: The log of the sweep.
      display: Shows the progress.

    Returns:
      The result of each node that ran.

    Raises:
      Exception: The exception of the first component that fails.
    """
    runner = VariantRunner(shared_with, display, run_id, config, log)
    with locked(log):
        runner.run(create_pipeline(config))
    return runner.results
