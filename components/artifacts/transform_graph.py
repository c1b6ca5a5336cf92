"""The images in the output of Transform."""

import tensorflow_transform as tft

from components.artifacts.features import IMAGE


def image_shape(transform_graph: tft.TFTransformOutput) -> tuple[int, int, int]:
    """Height, width and channels of a transformed image."""
    height, width, channels = transform_graph.transformed_feature_spec()[IMAGE].shape
    return height, width, channels
