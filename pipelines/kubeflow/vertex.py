"""Compiles the pipeline for Vertex AI, by TFX's own compiler."""

from pathlib import Path

import yaml

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.compile import check_compilable


def compile_for_vertex(config: PipelineConfig, output: Path) -> None:
    """Writes the pipeline as Vertex AI Pipelines takes it.

    What Vertex AI does not know is left out or replaced: see `create_pipeline`.

    Args:
      config: Loaded with `base=Path()`; what it writes beside artifacts, and reads, should lie under `/gcs/BUCKET`, where
        Vertex AI mounts buckets. `runtime.pipeline_root` is where Vertex AI keeps the artifacts, `gs://BUCKET/DIRECTORY`.
      output: The file, which ends in `.yaml`.

    Raises:
      ConfigurationError: See `check_compilable`; or there is no pipeline root.
    """
    check_compilable(config, output)
    if not (config.runtime.pipeline_root or "").startswith("gs://"):
        raise ConfigurationError("--target vertex needs --pipeline-root gs://BUCKET/DIRECTORY, for the artifacts.")
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    from pipelines.pipeline import create_pipeline

    pipeline = create_pipeline(config, for_vertex=True)
    settings = KubeflowV2DagRunnerConfig(
        display_name=config.name, default_image=config.kubeflow.image, use_pipeline_spec_2_1=True
    )
    # The runner's own file would leave out the root.
    job = KubeflowV2DagRunner(settings).run(pipeline, write_out=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(yaml.safe_dump({**job["pipelineSpec"], "defaultPipelineRoot": config.pipeline_root}), encoding="utf-8")
