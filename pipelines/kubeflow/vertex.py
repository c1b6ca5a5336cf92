"""The pipeline for Vertex AI, compiled by TFX's own compiler."""

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.compile import check_compilable

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


def compile_for_vertex(config: PipelineConfig, output: Path) -> None:
    """Writes the pipeline as Vertex AI Pipelines takes it.

    Args:
      config: Loaded with `base=Path()`; what it writes beside artifacts, and reads, should be under `/gcs/BUCKET`, where
        Vertex AI mounts buckets. `runtime.pipeline_root` is where Vertex AI keeps the artifacts, `gs://BUCKET/DIRECTORY`.
      output: The file, which ends in `.yaml`.

    Raises:
      ConfigurationError: See `check_compilable`; or there is no pipeline root.
    """
    check_compilable(config, output)
    if not (config.runtime.pipeline_root or "").startswith("gs://"):
        raise ConfigurationError("--target vertex needs --pipeline-root gs://BUCKET/DIRECTORY, for the artifacts.")
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    settings = KubeflowV2DagRunnerConfig(
        display_name=config.name, default_image=config.kubeflow.image, use_pipeline_spec_2_1=True
    )
    # The runner's own file would leave out the root.
    job = KubeflowV2DagRunner(settings).run(_create_vertex_pipeline(config), write_out=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(yaml.safe_dump({**job["pipelineSpec"], "defaultPipelineRoot": config.pipeline_root}), encoding="utf-8")


def _create_vertex_pipeline(config: PipelineConfig) -> "Pipeline":
    """What Vertex AI knows of the pipeline.

    It knows neither artifacts of our own types (ValidationGate, DriftGate, FeatureClassifier, ModelReport) nor our
    resolvers: TFX's own strategy chooses the baseline, and may choose the candidate.
    """
    from tfx.components import ExampleValidator, StatisticsGen
    from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
    from tfx.types import Channel, standard_artifacts

    from pipelines import pipeline

    if config.data.schema_path is None:
        raise ConfigurationError("Vertex AI cannot keep an inferred schema: set data.schema_path.")
    if config.data.window != "latest" or config.evaluator.test_window != "latest":
        raise ConfigurationError(
            "Vertex AI does not know which spans were read: set data.window and evaluator.test_window to latest."
        )
    example_gen = pipeline.make_example_gen(config)
    examples = example_gen.outputs["examples"]
    schema_gen = ImportSchemaGen(schema_file=str(config.data.schema_path))
    schema = schema_gen.outputs["schema"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema)
    example_validator = ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema)
    transform = pipeline.make_transform(config, examples, schema_gen)
    trainer = pipeline.make_trainer(config, transform)
    baseline = Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("BaselineResolver")
    evaluator = pipeline.make_evaluator(config, examples, trainer, baseline)
    infra_validator = pipeline.make_infra_validator(config, trainer) if config.infra_validator.enabled else None
    pusher = pipeline.make_pusher(config, trainer, evaluator, infra_validator)
    data = (example_gen, statistics_gen, schema_gen, example_validator, transform)
    return pipeline.assemble(config, *data, trainer, baseline, evaluator, infra_validator, pusher)
