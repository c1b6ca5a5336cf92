"""Brings images to one shape, and normalises their pixels.

TensorFlow Transform traces `preprocessing_fn` once into a graph. The Trainer reads the examples that the graph wrote, and the
exported signatures contain the graph itself, so training, evaluation and serving cannot differ.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tfx import types
from tfx.components.transform import executor
from tfx.types import artifact_utils, standard_component_specs

from components.artifacts.features import IMAGE, LABEL, TRAIN, Fit
from components.artifacts.labels import shared_label_names, write_label_names
from components.artifacts.model_input import MODEL_INPUT_FILE, ImageShape, ModelInput, prepare_images, write_model_input
from components.errors import ConfigurationError, DataError
from components.transform.config import Normalization


class Executor(executor.Executor):
    """The stock executor, which passes the shape of the images to `preprocessing_fn`, and records what models need beside it.

    A traced graph needs a static shape. If the configuration has none, it is the shape of the first training image; the
    ValidationGate has checked that all others have the same.
    """

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the stock executor with `image_shape` in its `custom_config`.

        Beside the graph it writes `model_input.json` and, where labels have names, `labels.json`.
        """
        config = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        spans = input_dict[standard_component_specs.EXAMPLES_KEY]
        if config["image_shape"] is None:
            config["image_shape"] = common_image_shape(spans)
        exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY] = json.dumps(config)
        super().Do(input_dict, output_dict, exec_properties)
        directory = artifact_utils.get_single_uri(output_dict[standard_component_specs.TRANSFORM_GRAPH_KEY])
        write_model_input(_model_input(config), f"{directory}/{MODEL_INPUT_FILE}")
        if names := shared_label_names(span.uri for span in spans):
            write_label_names(directory, names)


def common_image_shape(spans: Sequence[types.Artifact]) -> ImageShape:
    """The shape of the first training image of each span.

    Raises:
      ConfigurationError: They differ.
    """
    shapes = {span.span: first_image_shape(span) for span in spans}
    if len(set(shapes.values())) > 1:
        named = ", ".join(f"{width}x{height} in span {span}" for span, (height, width, _) in shapes.items())
        raise ConfigurationError(
            f"The images of the spans differ, {named}: set transform.image_shape to height, width and channels, such as"
            " [64, 64, 3], and transform.fit to pad, crop or stretch."
        )
    return next(iter(shapes.values()))


def first_image_shape(examples: types.Artifact) -> ImageShape:
    """The shape of the first training image, without its alpha channel.

    Args:
      examples: An Examples artifact of tf.Examples.

    Returns:
      Height, width and channels.

    Raises:
      DataError: The training split has no example, or its first example has no image.
      ConfigurationError: The first image cannot be decoded.
    """
    files = sorted(tf.io.gfile.glob(artifact_utils.get_split_uri([examples], TRAIN) + "/*"))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").take(1).as_numpy_iterator():
        values = tf.train.Example.FromString(record).features.feature[IMAGE].bytes_list.value
        if not values:
            raise DataError(f"The first example of split '{TRAIN}' in {examples.uri} has no '{IMAGE}'.")
        return _shape_of(values[0])
    raise DataError(f"Split '{TRAIN}' in {examples.uri} has no example: give it images in data.splits.")


def _shape_of(encoded: bytes) -> ImageShape:
    try:
        height, width, channels = tf.io.decode_image(encoded, expand_animations=False).shape
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        raise ConfigurationError(f"The first training image cannot be decoded as PNG or JPEG: {error}") from error
    return height, width, channels - 1 if channels in (2, 4) else channels


def _model_input(custom_config: Mapping[str, Any]) -> ModelInput:
    height, width, channels = custom_config["image_shape"]
    red, green, blue = custom_config["background"]
    return ModelInput((height, width, channels), Fit(custom_config["fit"]), (red, green, blue))


def preprocessing_fn(inputs: Mapping[str, Any], custom_config: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Decodes and normalises a batch of raw examples.

    Args:
      inputs: By feature name: `image`, PNG or JPEG, string [N, 1]; `label`, int64 [N, 1], if the data has labels.
      custom_config: `image_shape`, [height, width, channels]; `fit`, a value of `Fit`; `background`, [red, green, blue]; and
        `normalization`, a value of `Normalization`.

    Returns:
      `image`, float32 [N, height, width, channels]; `label`, int64 [N], if the data has labels.
    """
    pixels = prepare_images(_one_per_example(inputs[IMAGE]), _model_input(custom_config))
    outputs = {IMAGE: _normalize(pixels, Normalization(custom_config["normalization"]))}
    if LABEL in inputs:
        outputs[LABEL] = _one_per_example(inputs[LABEL])
    return outputs


def _one_per_example(feature: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    values = feature.values if isinstance(feature, tf.SparseTensor) else feature
    return tf.reshape(values, [-1])


def _normalize(pixels: tf.Tensor, normalization: Normalization) -> tf.Tensor:
    match normalization:
        case Normalization.UNIT:
            return pixels
        case Normalization.SYMMETRIC:
            return pixels * 2.0 - 1.0
        case Normalization.STANDARDIZE:
            # The variance of a constant dataset is zero: only centre it.
            stddev = tf.sqrt(tft.var(pixels))
            return (pixels - tft.mean(pixels)) / tf.where(stddev > 0, stddev, 1.0)
