"""The executor of FeatureClassifier."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components.artifacts.feature_classifier import LEFT_OUT, SAVED_MODEL, write_training_features
from components.artifacts.features import EVAL, TRAIN
from components.artifacts.images import read_images, stream_pixels
from components.artifacts.model_input import ModelInput, transformed_input
from components.feature_classifier.training import FeatureExtractor, LabelledImages, accuracy, train_classifier

EXAMPLES: Final = "examples"
TRANSFORM_GRAPH: Final = "transform_graph"
CLASSIFIER: Final = "classifier"
ACCURACY: Final = "accuracy"
TRAINING_IMAGES: Final = "training_images"

_LOGGER = logging.getLogger("tfx_vae.feature_classifier")
# With more images the distances hardly change.
_TRAINING_IMAGES = 20_000
_EVAL_IMAGES = 5_000
# Each takes 256 bytes.
_REMEMBERED_IMAGES = 100_000


class Executor(BaseExecutor):
    """Trains a classifier, or writes down why there is none."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains on images of `train`, and writes the features of these images; its accuracy on `eval` is in the artifact.

        Raises:
          DataError: A split is empty.
        """
        del exec_properties
        examples = input_dict[EXAMPLES]
        output = artifact_utils.get_single_instance(output_dict[CLASSIFIER])
        model_input = transformed_input(artifact_utils.get_single_uri(input_dict[TRANSFORM_GRAPH]))
        images = _read(examples, TRAIN, _TRAINING_IMAGES, model_input)
        if images is None or len(np.unique(images.labels)) < 2:
            reason = "images of two labels or more are needed to train the classifier whose features they compare"
            _LOGGER.warning(
                "Metrics of samples (frechet_distance, coverage, ...) are left out: %s, and split '%s' has none.",
                reason,
                TRAIN,
            )
            io_utils.write_string_file(f"{output.uri}/{LEFT_OUT}", f"{reason}\n")
            return
        model = train_classifier(images, model_input)
        FeatureExtractor(model, model_input.shape).save(f"{output.uri}/{SAVED_MODEL}")
        write_training_features(output.uri, stream_pixels(examples, TRAIN, _REMEMBERED_IMAGES, model_input))
        output.set_int_custom_property(TRAINING_IMAGES, len(images.labels))
        others = _read(examples, EVAL, _EVAL_IMAGES, model_input)
        if others is not None:
            output.set_float_custom_property(ACCURACY, accuracy(model, others, np.unique(images.labels), model_input))


def _read(examples: Sequence[Artifact], split: str, limit: int, model_input: ModelInput) -> LabelledImages | None:
    """The first images of a split; None if one of them has no label."""
    images = read_images(examples, split, limit, model_input)
    return None if images.labels is None else LabelledImages(np.array(images.encoded, object), images.labels)
