"""The pipeline: its components and how they are wired together."""

import math
from typing import Final

from tfx.components import InfraValidator as StockInfraValidator
from tfx.components import Pusher, Trainer, Tuner
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.placeholder import placeholder
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import infra_validator_pb2, pusher_pb2, trainer_pb2
from tfx.types import Channel, standard_artifacts
from tfx.types.channel import BaseChannel
from tfx.types.standard_component_specs import CUSTOM_CONFIG_KEY
from tfx.utils import json_utils

from components.artifacts.data_verdict import DataVerdict
from components.artifacts.features import EVAL, TEST, TRAIN
from components.artifacts.files import check_served
from components.artifacts.spans import EVERY_SPAN, window_size
from components.drift.component import DriftGate
from components.evaluator.component import Evaluator
from components.evaluator.eval_config import USER_FUNCTIONS, build_eval_config, eval_config_with_classifier
from components.example_gen.component import TfdsExampleGen
from components.example_gen.image_component import ImageExampleGen
from components.example_gen.import_component import ImportExampleGen
from components.feature_classifier.component import FeatureClassifier
from components.infra_validator.component import InfraValidator
from components.pusher.executor import Executor as PusherExecutor
from components.report.component import ModelReport
from components.resolver.analysis import AnalysisStrategy
from components.resolver.span_window import SpanWindowStrategy
from components.resolver.strategy import ChampionStrategy, DriftStrategy
from components.schema_gen.component import InferredSchemaGen
from components.source_digest import source_digest
from components.spans.component import ExampleValidator, StatisticsGen
from components.trainer.config import WarmStart
from components.transform.component import ImageTransform
from components.transform.config import Normalization
from components.tuner.config import Objective, SearchSettings
from components.validation.component import ValidationGate
from pipelines.config import PipelineConfig
from pipelines.mlmd.connections import connection_config

_RUN_FN: Final = "components.trainer.run.run_fn"
_TUNER_FN: Final = "components.tuner.search.tuner_fn"
_LATER: Final = "@classifier@"


def create_pipeline(config: PipelineConfig) -> Pipeline:
    """Wires the components together.

    Args:
      config: A validated configuration with absolute paths.

    Returns:
      The pipeline, for any of TFX's runners. Nothing is read or written. It does not hold the password of a metadata server,
      because compiled pipelines are written to disk; a runner connects by `config.metadata_location`.

    Raises:
      ConfigurationError: TensorFlow or Beam cannot write to the pipeline root.
    """
    example_gen = make_example_gen(config)
    examples = example_gen.outputs["examples"]

    # Describes every split, and compares it with the curated schema.
    first_statistics_gen, schema_gen = make_schema_gen(config, examples)
    schema = schema_gen.outputs["schema"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema)
    statistics = statistics_gen.outputs["statistics"]
    example_validator = ExampleValidator(statistics=statistics, schema=schema)
    anomalies = example_validator.outputs["anomalies"]

    # Finds the spans that new ones are used together with: an image must not be in different splits of two spans.
    known_spans = make_window(config, newest_spans(config), example_gen, None, "KnownSpans")
    # Stops the run before anything is trained on data that violates the schema, or on images that are not as they should be.
    validation_gate = ValidationGate(
        examples=examples,
        anomalies=anomalies,
        statistics=statistics,
        config=config.validation,
        image_shape=config.transform.image_shape,
        fit=config.transform.fit,
        allow_anomalies=config.data.allow_anomalies,
        known_examples=known_spans.outputs["examples"] if known_spans else None,
        known_verdicts=known_spans.outputs["verdicts"] if known_spans else None,
    )

    # Finds the spans to train on and those to judge by; what was refused is not among them.
    training_spans = make_window(config, window_size(config.data.window), example_gen, validation_gate, "TrainingSpans")
    test_spans = make_window(config, window_size(config.evaluator.test_window), example_gen, validation_gate, "TestSpans")
    training_examples = training_spans.outputs["examples"] if training_spans else examples
    test_examples = test_spans.outputs["examples"] if test_spans else examples

    # Finds what is known of the spans that were transformed before. Only `standardize` computes anything of the images.
    analysis = None
    if training_spans and config.transform.normalization is Normalization.STANDARDIZE:
        analysis = Resolver(
            strategy_class=AnalysisStrategy,
            analyzer_cache=Channel(type=standard_artifacts.TransformCache),
            new_examples=training_examples,
        ).with_id("AnalysisResolver")
    transform = make_transform(config, training_examples, schema_gen, analysis)
    transform.add_upstream_node(validation_gate)
    # Says whether new images differ from those of the champion, and stops the run if it is told to.
    drift_resolver = drift_gate = None
    if config.drift.enabled:
        drift_resolver = _make_drift_resolver(training_examples)
        drift_gate = DriftGate(
            examples=training_examples,
            champion=drift_resolver.outputs["model"],
            known_examples=drift_resolver.outputs["examples"],
            config=config.drift,
        )
        drift_gate.add_upstream_node(validation_gate)
        transform.add_upstream_node(drift_gate)
    transform_graph = transform.outputs["transform_graph"]
    # Finds the weights to start from.
    warm_start = None
    if config.trainer.warm_start is WarmStart.CHAMPION:
        warm_start = Resolver(
            strategy_class=ChampionStrategy,
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
            pushed_model=Channel(type=standard_artifacts.PushedModel),
            # A run without a new span must not go on training.
            **({"transform_graph": transform_graph} if config.data.has_spans else {}),
        ).with_id("WarmStartResolver")
    base_model = warm_start.outputs["model"] if warm_start else None

    # Learns what the images show, so that samples of the prior can be compared with them.
    classifier = None
    if config.evaluator.frechet_distance.enabled:
        classifier = FeatureClassifier(examples=training_examples, transform_graph=transform_graph)

    # Finds the settings to train with.
    tuner = make_tuner(config, transform, base_model, classifier) if config.tuner.enabled else None
    trainer = make_trainer(config, transform, base_model, tuner)
    model = trainer.outputs["model"]

    # Finds what to compare with: the champion of this pipeline, but never the candidate itself.
    baseline = Resolver(
        strategy_class=ChampionStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
        candidate=model,
    ).with_id("BaselineResolver")

    evaluator = make_evaluator(config, test_examples, trainer, baseline, classifier)
    in_docker = _make_docker_validator(config, trainer) if config.infra_validator.docker else None
    infra_validator = make_infra_validator(config, trainer, in_docker) if config.infra_validator.enabled else None
    pusher = make_pusher(config, trainer, evaluator, infra_validator)

    # Shows what was trained and how good it is, blessed or not. It comes last: a report that fails must not stop a push.
    report = None
    if config.report.enabled:
        report = ModelReport(
            examples=training_examples,
            test_examples=test_examples if test_spans else None,
            statistics=training_spans.outputs["statistics"] if training_spans else statistics,
            schema=schema,
            anomalies=anomalies,
            data_verdict=validation_gate.outputs["verdict"],
            drift_verdict=drift_gate.outputs["verdict"] if drift_gate else None,
            transform_graph=transform_graph,
            model=model,
            evaluation=evaluator.outputs["evaluation"],
            blessing=evaluator.outputs["blessing"],
            infra_blessing=infra_validator.outputs["blessing"] if infra_validator else None,
            classifier=classifier.outputs["classifier"] if classifier else None,
            baseline_model=baseline.outputs["model"],
            best_hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
            tuner_results=tuner.outputs["tuner_results"] if tuner else None,
            config=config.report,
        )
        report.add_upstream_node(pusher)

    data = (example_gen, first_statistics_gen, schema_gen, statistics_gen, example_validator, known_spans, validation_gate)
    trained = (training_spans, test_spans, drift_resolver, drift_gate, analysis, transform, warm_start, tuner, trainer)
    judged = (baseline, classifier, evaluator, in_docker, infra_validator, pusher, report)
    return assemble(config, *data, *trained, *judged)


def make_example_gen(config: PipelineConfig) -> BaseNode:
    """Decodes the images into tf.Examples, in the pipeline's own splits."""
    if config.data.examples is not None:
        return ImportExampleGen(config.data.examples, config.data.fractions, newest_spans(config))
    if config.data.images is not None:
        shape = config.transform.image_shape
        return ImageExampleGen(
            images=config.data.images,
            fractions=config.data.fractions,
            background=config.data.background,
            mode=None if shape is None else "L" if shape[-1] == 1 else "RGB",
            max_broken=config.data.max_broken,
            shards=config.data.shards,
            newest_spans=newest_spans(config),
        )
    return TfdsExampleGen(
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


def newest_spans(config: PipelineConfig) -> int:
    """How many of the latest spans a run may use; `EVERY_SPAN` is all of them."""
    sizes = [window_size(window) for window in (config.data.window, config.evaluator.test_window)]
    return EVERY_SPAN if EVERY_SPAN in sizes else max(sizes)


def make_schema_gen(config: PipelineConfig, examples: BaseChannel) -> tuple[BaseNode | None, BaseNode]:
    """Imports the curated schema, or infers it from statistics of its own, because those of StatisticsGen need a schema."""
    if config.data.schema_path is not None:
        return None, ImportSchemaGen(schema_file=str(config.data.schema_path))
    statistics_gen = StatisticsGen(examples=examples).with_id("FirstStatisticsGen")
    return statistics_gen, InferredSchemaGen(statistics_gen.outputs["statistics"], config.schema_path)


def make_window(
    config: PipelineConfig, count: int, example_gen: BaseNode, validation_gate: BaseNode | None, name: str
) -> Resolver | None:
    """Chooses spans of this run and of earlier ones; None if each run uses the span that it reads, and no other.

    Without a `validation_gate` it chooses those of earlier runs only.
    """
    if config.data.window == config.evaluator.test_window == "latest":
        return None
    resolver = Resolver(
        strategy_class=SpanWindowStrategy,
        config={"count": count, "only_known": validation_gate is None},
        examples=Channel(type=standard_artifacts.Examples),
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        verdicts=Channel(type=DataVerdict),
        current=example_gen.outputs["examples"],
    ).with_id(name)
    if validation_gate:
        resolver.add_upstream_node(validation_gate)
    return resolver


def make_transform(
    config: PipelineConfig, examples: BaseChannel, schema_gen: BaseNode, analysis: Resolver | None = None
) -> ImageTransform:
    """Decodes and normalises pixels, in one graph for training, evaluation and serving."""
    return ImageTransform(
        examples=examples,
        schema=schema_gen.outputs["schema"],
        normalization=config.transform.normalization,
        image_shape=config.transform.image_shape,
        fit=config.transform.fit,
        background=config.data.background,
        analyzer_cache=analysis.outputs["analyzer_cache"] if analysis else None,
    ).with_id("Transform")


def _make_drift_resolver(examples: BaseChannel) -> Resolver:
    """Finds the champion of other images, and the images that it was trained on."""
    return Resolver(
        strategy_class=DriftStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
        examples=Channel(type=standard_artifacts.Examples),
        new_examples=examples,
    ).with_id("DriftResolver")


def make_tuner(
    config: PipelineConfig, transform: BaseNode, base_model: BaseChannel | None = None, classifier: BaseNode | None = None
) -> Tuner:
    """Trains with many settings, and finds the best."""
    needs_classifier = config.tuner.objective is Objective.FRECHET_DISTANCE
    settings = SearchSettings(
        tuner=config.tuner,
        training=config.training(),
        directory=str(config.tuning_dir),
        classifier=_LATER if needs_classifier else "",
        classifier_images=config.evaluator.frechet_distance.images,
        source_digest=source_digest(_TUNER_FN),
    ).model_dump(mode="json")
    tuner = Tuner(
        tuner_fn=_TUNER_FN,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        base_model=base_model,
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN]),
        eval_args=trainer_pb2.EvalArgs(splits=[EVAL]),
        custom_config=settings,
    )
    if needs_classifier and classifier:
        # Its directory is not known before the pipeline runs; the placeholder makes it one of the Tuner's inputs.
        before, after = json_utils.dumps(settings).split(_LATER)
        directory = classifier.outputs["classifier"].future()[0].uri
        tuner.exec_properties[CUSTOM_CONFIG_KEY] = placeholder.join([before, directory, after])
    return tuner


def make_trainer(
    config: PipelineConfig, transform: BaseNode, base_model: BaseChannel | None = None, tuner: Tuner | None = None
) -> Trainer:
    """Fits the model on `train`, steered by `eval`, and exports it with every signature."""
    return Trainer(
        run_fn=_RUN_FN,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        base_model=base_model,
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN]),
        eval_args=trainer_pb2.EvalArgs(splits=[EVAL]),
        custom_config=config.training(source_digest(_RUN_FN)).model_dump(mode="json"),
    )


def make_evaluator(
    config: PipelineConfig, examples: BaseChannel, trainer: BaseNode, baseline: BaseNode, classifier: BaseNode | None = None
) -> Evaluator:
    """Computes the metrics on `test`, which nothing else reads, and blesses the model if it passes every threshold."""
    return Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        example_splits=[TEST],
        eval_config=(
            eval_config_with_classifier(config.evaluator, classifier.outputs["classifier"])
            if classifier
            else build_eval_config(config.evaluator)
        ),
        module_path=USER_FUNCTIONS,
    )


def make_infra_validator(config: PipelineConfig, trainer: BaseNode, in_docker: BaseNode | None = None) -> InfraValidator:
    """Loads the model as a server does, and compares its answers to the warm-up requests with the Trainer's."""
    return InfraValidator(
        model=trainer.outputs["model"],
        config=config.infra_validator,
        docker_blessing=in_docker.outputs["blessing"] if in_docker else None,
    )


def _make_docker_validator(config: PipelineConfig, trainer: BaseNode) -> StockInfraValidator:
    """Loads the model into TensorFlow Serving, which replays the warm-up requests and refuses the model if one fails."""
    serving = infra_validator_pb2.ServingSpec(
        tensorflow_serving=infra_validator_pb2.TensorFlowServing(tags=[config.infra_validator.docker_tag]),
        local_docker=infra_validator_pb2.LocalDockerConfig(),
        model_name=config.name,
    )
    seconds = math.ceil(config.infra_validator.time_limit_seconds)
    limits = infra_validator_pb2.ValidationSpec(max_loading_time_seconds=seconds, num_tries=1)
    validator = StockInfraValidator(model=trainer.outputs["model"], serving_spec=serving, validation_spec=limits)
    return validator.with_id("DockerInfraValidator")


def make_pusher(config: PipelineConfig, trainer: BaseNode, evaluator: BaseNode, infra_validator: BaseNode | None) -> Pusher:
    """Copies a blessed model that can be served to where TensorFlow Serving looks."""
    destination = pusher_pb2.PushDestination.Filesystem(base_directory=str(config.serving_dir))
    return Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_validator.outputs["blessing"] if infra_validator else None,
        push_destination=pusher_pb2.PushDestination(filesystem=destination),
        custom_config={"source_digest": source_digest(PusherExecutor.__module__)},
        custom_executor_spec=executor_spec.ExecutorClassSpec(PusherExecutor),
    )


def assemble(config: PipelineConfig, *components: BaseNode | None) -> Pipeline:
    """Makes a pipeline of those components that are not None.

    Raises:
      ConfigurationError: TensorFlow or Beam cannot write to the pipeline root.
    """
    check_served(config.pipeline_root)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=config.pipeline_root,
        metadata_connection_config=connection_config(config.metadata_location, with_password=False),
        components=[component for component in components if component is not None],
        enable_cache=config.runtime.cache,
        beam_pipeline_args=config.runtime.beam.pipeline_args(),
    )
