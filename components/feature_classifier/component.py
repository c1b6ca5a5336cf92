"""The component FeatureClassifier."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts.feature_classifier import FeatureClassifierArtifact
from components.feature_classifier.executor import CLASSIFIER, EXAMPLES, TRANSFORM_GRAPH, Executor
from components.source_digest import source_digest


class FeatureClassifierSpec(ComponentSpec):
    """Inputs, parameters and output."""

    INPUTS: ClassVar = {
        EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        TRANSFORM_GRAPH: ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    PARAMETERS: ClassVar = {"source_digest": ExecutionParameter(type=str)}
    OUTPUTS: ClassVar = {CLASSIFIER: ChannelParameter(type=FeatureClassifierArtifact)}


class FeatureClassifier(BaseComponent):
    """Trains a small classifier on the labels of `train`, so that the Evaluator can compare samples with images.

    The Fréchet distance is measured in the features that a classifier has learnt. The usual classifier was trained on
    photographs and has to be downloaded; this one is trained on the pipeline's own images. It is trained once for the same
    images and code; all models that are trained on these images get it from the cache.
    """

    SPEC_CLASS = FeatureClassifierSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(self, examples: BaseChannel, transform_graph: BaseChannel) -> None:
        """Constructs the component.

        Args:
          examples: Raw examples: `train` for training, `eval` for the accuracy.
          transform_graph: Has the shape of transformed images.
        """
        super().__init__(
            spec=FeatureClassifierSpec(
                examples=examples,
                transform_graph=transform_graph,
                source_digest=source_digest(Executor.__module__),
                classifier=Channel(type=FeatureClassifierArtifact),
            )
        )
