"""Compiles the pipeline for Vertex AI, by TFX's own compiler."""

from pathlib import Path

import yaml

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig


def compile_for_vertex(config: PipelineConfig, pipeline_root: str | None, output: Path) -> None:
    """Writes the pipeline as Vertex AI Pipelines takes it.

    What Vertex AI does not know is left out or replaced: see `create_pipeline`.

    Args:
      config: Loaded with `base=Path()`; what it writes beside artifacts, and reads, should lie under `/gcs/BUCKET`, where
        Vertex AI mounts buckets.
      pipeline_root: `gs://BUCKET/DIRECTORY`, where Vertex AI keeps the artifacts.
      output: The file, which ends in `.yaml`.

    Raises:
      ConfigurationError: There is no image, no pipeline root, or the file's name is wrong.
    """
    if config.kubeflow.image is None:
        raise ConfigurationError("kubeflow.image: no image is named; say --image REPOSITORY/NAME:TAG (see Dockerfile).")
    if pipeline_root is None or not pipeline_root.startswith("gs://"):
        raise ConfigurationError("--target vertex needs --pipeline-root gs://BUCKET/DIRECTORY, for the artifacts.")
    if output.suffix != ".yaml":
        raise ConfigurationError(f"--output {output}: the name of a compiled pipeline must end in .yaml.")
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    from pipelines.pipeline import create_pipeline

    pipeline = create_pipeline(config, for_vertex=True)
    pipeline.pipeline_info.pipeline_root = pipeline_root
    settings = KubeflowV2DagRunnerConfig(
        display_name=config.name, default_image=config.kubeflow.image, use_pipeline_spec_2_1=True
    )
    # The runner's own file would leave out the root.
    job = KubeflowV2DagRunner(settings).run(pipeline, write_out=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(yaml.safe_dump({**job["pipelineSpec"], "defaultPipelineRoot": pipeline_root}))
