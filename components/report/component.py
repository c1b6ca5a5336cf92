"""ModelReport: makes a page from the artifacts of the other components."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts.data_verdict import DataVerdict
from components.artifacts.drift_verdict import DriftVerdict
from components.artifacts.feature_classifier import FeatureClassifierArtifact
from components.report import properties
from components.report.config import ReportConfig
from components.report.driver import Driver
from components.report.executor import Executor
from components.source_digest import source_digest


class ReportArtifact(Artifact):
    """A directory with the page, `index.html`, which needs no other file, and its figures as PNG files."""

    TYPE_NAME = "ModelReport"


class ModelReportSpec(ComponentSpec):
    """Inputs, parameters and output of the report."""

    INPUTS: ClassVar = {
        properties.EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        properties.TEST_EXAMPLES: ChannelParameter(type=standard_artifacts.Examples, optional=True),
        properties.STATISTICS: ChannelParameter(type=standard_artifacts.ExampleStatistics),
        properties.SCHEMA: ChannelParameter(type=standard_artifacts.Schema),
        properties.ANOMALIES: ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        properties.DATA_VERDICT: ChannelParameter(type=DataVerdict),
        properties.DRIFT_VERDICT: ChannelParameter(type=DriftVerdict, optional=True),
        properties.TRANSFORM_GRAPH: ChannelParameter(type=standard_artifacts.TransformGraph),
        properties.MODEL: ChannelParameter(type=standard_artifacts.Model),
        properties.EVALUATION: ChannelParameter(type=standard_artifacts.ModelEvaluation),
        properties.BLESSING: ChannelParameter(type=standard_artifacts.ModelBlessing),
        properties.INFRA_BLESSING: ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
        properties.CLASSIFIER: ChannelParameter(type=FeatureClassifierArtifact, optional=True),
        properties.BASELINE_MODEL: ChannelParameter(type=standard_artifacts.Model, optional=True),
        properties.BEST_HYPERPARAMETERS: ChannelParameter(type=standard_artifacts.HyperParameters, optional=True),
        properties.TUNER_RESULTS: ChannelParameter(type=standard_artifacts.TunerResults, optional=True),
    }
    PARAMETERS: ClassVar = {
        properties.CONFIG: ExecutionParameter(type=str),
        properties.SOURCE_DIGEST: ExecutionParameter(type=str),
        properties.PROVENANCE: ExecutionParameter(type=str, optional=True),
    }
    OUTPUTS: ClassVar = {properties.REPORT: ChannelParameter(type=ReportArtifact)}


class ModelReport(BaseComponent):
    """Makes a page that shows what was trained and how good it is.

    It does not need the Pusher, so a model that is not blessed has a page too::

        ModelReport(
            examples=example_gen.outputs["examples"],
            ...
            evaluation=evaluator.outputs["evaluation"],
            blessing=evaluator.outputs["blessing"],
            baseline_model=baseline.outputs["model"],
        )

    The page depends only on its inputs, its configuration and its code, so the cache works as for every component. The
    durations of the other components are a parameter: the driver reads from ML Metadata which executions made the inputs.
    """

    SPEC_CLASS = ModelReportSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        examples: BaseChannel,
        statistics: BaseChannel,
        schema: BaseChannel,
        anomalies: BaseChannel,
        data_verdict: BaseChannel,
        transform_graph: BaseChannel,
        model: BaseChannel,
        evaluation: BaseChannel,
        blessing: BaseChannel,
        drift_verdict: BaseChannel | None = None,
        infra_blessing: BaseChannel | None = None,
        classifier: BaseChannel | None = None,
        baseline_model: BaseChannel | None = None,
        test_examples: BaseChannel | None = None,
        best_hyperparameters: BaseChannel | None = None,
        tuner_results: BaseChannel | None = None,
        config: ReportConfig | None = None,
    ) -> None:
        """Constructs the component.

        Args:
          examples: Raw examples; the report reads `train` and `test`.
          statistics: Statistics of all their splits.
          schema: The schema that they were validated against.
          anomalies: The result of the validation.
          data_verdict: The anomalies that the ValidationGate accepted.
          transform_graph: The output of Transform.
          model: A model with the signatures of `components.trainer.signatures`, and its `history.json`.
          evaluation: The Evaluator's metrics of the model.
          blessing: Whether the Evaluator blessed the model.
          drift_verdict: How the images differ from those of the champion, if they were compared.
          infra_blessing: The result of the check before pushing, if there is one.
          classifier: The output of FeatureClassifier, if there is one, for the training images that samples are nearest to.
          baseline_model: The champion, which the evaluation compares with; may be empty.
          test_examples: Raw examples whose `test` was evaluated; None if that is the `test` of `examples`.
          best_hyperparameters: The Tuner's best settings, if it searched.
          tuner_results: Its trials.
          config: What to show; None is the default configuration.
        """
        super().__init__(
            spec=ModelReportSpec(
                examples=examples,
                test_examples=test_examples,
                statistics=statistics,
                schema=schema,
                anomalies=anomalies,
                data_verdict=data_verdict,
                drift_verdict=drift_verdict,
                transform_graph=transform_graph,
                model=model,
                evaluation=evaluation,
                blessing=blessing,
                infra_blessing=infra_blessing,
                classifier=classifier,
                baseline_model=baseline_model,
                best_hyperparameters=best_hyperparameters,
                tuner_results=tuner_results,
                config=(config or ReportConfig()).model_dump_json(),
                source_digest=source_digest(Executor.__module__),
                report=Channel(type=ReportArtifact),
            )
        )
