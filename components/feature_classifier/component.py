"""FeatureClassifier: trains a small classifier for the Fréchet distance."""

from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.feature_classifier.executor import CLASSIFIER, EXAMPLES, TRANSFORM_GRAPH, Executor
from components.source_digest import source_digest


class FeatureClassifierArtifact(Artifact):
    """A SavedModel in `saved_model/`, with the signature `features`; where there are no labels, `left_out.txt` instead."""

    TYPE_NAME = "FeatureClassifier"


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

    The Fréchet distance is measured in the features of an image that a classifier has learnt. The usual one knows photographs
    and comes from the network; this one knows the pipeline's own images. It is an artifact like any other: made once for
    the same images and the same code, served from the cache to every model that is trained on them, and part of the lineage
    of each evaluation.
    """

    SPEC_CLASS = FeatureClassifierSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(self, examples: BaseChannel, transform_graph: BaseChannel) -> None:
        """Constructs the component.

        Args:
          examples: Raw examples; `train` fits, `eval` says how well.
          transform_graph: Says what size images are brought to.
        """
        super().__init__(
            spec=FeatureClassifierSpec(
                examples=examples,
                transform_graph=transform_graph,
                source_digest=source_digest(
                    "components.feature_classifier", "components.artifacts.equal_batches", "components.artifacts.images"
                ),
                classifier=Channel(type=FeatureClassifierArtifact),
            )
        )
