"""The DAG and nothing else."""

import math

from tfx.components import Evaluator, ExampleValidator, Pusher, StatisticsGen, Trainer
from tfx.components import InfraValidator as StockInfraValidator
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import infra_validator_pb2, pusher_pb2, trainer_pb2
from tfx.types import BaseChannel, Channel, standard_artifacts

from components.artifacts.features import EVAL, TEST, TRAIN
from components.artifacts.files import check_served
from components.evaluator.eval_config import USER_FUNCTIONS, build_eval_config, eval_config_with_classifier
from components.example_gen.component import TfdsExampleGen
from components.feature_classifier.component import FeatureClassifier
from components.infra_validator.component import InfraValidator
from components.pusher.executor import Executor as PusherExecutor
from components.report.component import ModelReport
from components.resolver.strategy import LatestBlessedOtherModelStrategy
from components.source_digest import source_digest
from components.trainer.config import CustomConfig
from components.transform.component import ImageTransform
from components.validation.component import ValidationGate
from pipelines.config import PipelineConfig
from pipelines.mlmd.client import connection_config


def create_pipeline(config: PipelineConfig, for_vertex: bool = False) -> Pipeline:
    """Wires the components together.

    Args:
      config: A validated configuration with absolute paths.
      for_vertex: Only what Vertex AI knows: the baseline is chosen by TFX's own strategy, though that may choose the candidate,
        and the components with artifacts of our own types, ValidationGate and ModelReport, are left out.

    Returns:
      The pipeline, ready for any of TFX's runners. Nothing is read or written. The password of a metadata server is not in it,
      since compiled pipelines are written to disk: who runs it connects by `config.metadata_location`.

    Raises:
      ConfigurationError: TensorFlow or Beam cannot write where the artifacts should lie.
    """
    check_served(config.pipeline_root)

    # Decodes what tensorflow-datasets prepared into tf.Examples, in the pipeline's own splits.
    example_gen = TfdsExampleGen(
        dataset=config.data.dataset,
        version=config.data.version,
        directory=config.data.directory,
        data_dir=config.data_dir,
        manual_dir=config.data.source_dir,
        image_feature=config.data.image_feature,
        label_feature=config.data.label_feature,
        splits=config.data.splits,
        shards=config.data.shards,
    )
    examples = example_gen.outputs["examples"]

    # Describes every split, and compares it with the schema that a person curated.
    schema_gen = ImportSchemaGen(schema_file=str(config.data.schema_path))
    schema = schema_gen.outputs["schema"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema)
    example_validator = ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema)

    # Stops the run before anything is trained on data that is not what the schema says.
    validation_gate = ValidationGate(
        anomalies=example_validator.outputs["anomalies"],
        statistics=statistics_gen.outputs["statistics"],
        allow_anomalies=config.data.allow_anomalies,
    )

    # Decodes and normalises pixels, in a graph that training, evaluation and serving share.
    transform = ImageTransform(
        examples=examples,
        schema=schema,
        normalization=config.transform.normalization,
        image_shape=config.transform.image_shape,
    ).with_id("Transform")
    if not for_vertex:
        transform.add_upstream_node(validation_gate)

    # Fits the model on `train`, steered by `eval`, and exports it with every signature.
    trainer = Trainer(
        run_fn="components.trainer.run.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN]),
        eval_args=trainer_pb2.EvalArgs(splits=[EVAL]),
        custom_config=CustomConfig(
            model=config.model,
            trainer=config.trainer,
            binarization=config.data.binarization,
            checkpoint_dir=str(config.checkpoint_dir),
            source_digest=source_digest("components.models", "components.trainer", "components.transform"),
        ).model_dump(mode="json"),
    )
    model = trainer.outputs["model"]

    # Finds what to compare with: the latest model of this pipeline that was blessed, but never the candidate itself.
    baseline = Resolver(
        strategy_class=LatestBlessedModelStrategy if for_vertex else LatestBlessedOtherModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        **({} if for_vertex else {"candidate": model}),
    ).with_id("BaselineResolver")

    # Learns what the images show, so that samples of the prior can be compared with them.
    classifier = FeatureClassifier(examples=examples, transform_graph=transform.outputs["transform_graph"])
    compares_samples = config.evaluator.frechet_distance.enabled and not for_vertex

    # Computes the metrics on `test`, which nothing else looks at, and blesses the model if it passes every threshold.
    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=baseline.outputs["model"],
        example_splits=[TEST],
        eval_config=(
            eval_config_with_classifier(config.evaluator, classifier.outputs["classifier"])
            if compares_samples
            else build_eval_config(config.evaluator)
        ),
        module_path=USER_FUNCTIONS,
    )

    # Loads the model as a server will, and compares its answers to the warm-up requests with the Trainer's.
    in_docker = _in_docker(model, config) if config.infra_validator.docker else None
    infra_validator = InfraValidator(
        model=model,
        config=config.infra_validator,
        docker_blessing=in_docker.outputs["blessing"] if in_docker else None,
    )
    infra_blessing = infra_validator.outputs["blessing"] if config.infra_validator.enabled else None

    # Puts a blessed model that can be served where TensorFlow Serving looks.
    pusher = Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_blessing,
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(config.serving_dir))
        ),
        custom_config={"source_digest": source_digest("components.pusher")},
        custom_executor_spec=executor_spec.ExecutorClassSpec(PusherExecutor),
    )

    # Draws what was trained and how good it is, blessed or not; a drawing that fails should not keep a model from being served.
    report = ModelReport(
        examples=examples,
        statistics=statistics_gen.outputs["statistics"],
        schema=schema,
        anomalies=example_validator.outputs["anomalies"],
        data_verdict=validation_gate.outputs["verdict"],
        transform_graph=transform.outputs["transform_graph"],
        model=model,
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_blessing,
        baseline_model=baseline.outputs["model"],
        config=config.report,
    )
    shows_report = config.report.enabled and not for_vertex
    if shows_report:
        report.add_upstream_node(pusher)

    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=config.pipeline_root,
        metadata_connection_config=connection_config(config.metadata_location, with_password=False),
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            example_validator,
            *([] if for_vertex else [validation_gate]),
            transform,
            trainer,
            baseline,
            *([classifier] if compares_samples else []),
            evaluator,
            *([in_docker] if in_docker else []),
            *([infra_validator] if config.infra_validator.enabled else []),
            pusher,
            *([report] if shows_report else []),
        ],
        enable_cache=config.runtime.cache,
        beam_pipeline_args=config.runtime.beam.pipeline_args(),
    )


def _in_docker(model: BaseChannel, config: PipelineConfig) -> StockInfraValidator:
    """Loads the model into TensorFlow Serving, which replays the warm-up requests and refuses the model if one fails."""
    serving = infra_validator_pb2.ServingSpec(
        tensorflow_serving=infra_validator_pb2.TensorFlowServing(tags=[config.infra_validator.docker_tag]),
        local_docker=infra_validator_pb2.LocalDockerConfig(),
        model_name=config.name,
    )
    seconds = math.ceil(config.infra_validator.time_limit_seconds)
    limits = infra_validator_pb2.ValidationSpec(max_loading_time_seconds=seconds, num_tries=1)
    return StockInfraValidator(model=model, serving_spec=serving, validation_spec=limits).with_id("DockerInfraValidator")
