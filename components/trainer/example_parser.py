"""From serialized examples to what the model sees, inside the exported graph."""

from typing import NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from components.artifacts.features import IMAGE


class ParsedImages(NamedTuple):
    """The images of a batch of examples."""

    encoded: tf.Tensor
    """string [N]: PNG or JPEG bytes, as they stood in the examples."""

    normalized: tf.Tensor
    """float32 [N, height, width, channels]: what the encoder sees."""


class ExampleParser(tf.Module):
    """Parses raw tf.Examples, and sends their images through the transform graph."""

    def __init__(self, transform_graph: tft.TFTransformOutput) -> None:
        """Reads the graph.

        Args:
          transform_graph: What the training images went through.
        """
        super().__init__()
        self._transform = transform_graph.transform_features_layer()
        self._raw_feature_spec = {IMAGE: transform_graph.raw_feature_spec()[IMAGE]}

    def __call__(self, examples: tf.Tensor) -> ParsedImages:
        """Parses serialized tf.Examples, string [N]."""
        features = tf.io.parse_example(examples, self._raw_feature_spec)
        normalized = self._transform(features)[IMAGE]
        return ParsedImages(tf.reshape(features[IMAGE], [-1]), normalized)
