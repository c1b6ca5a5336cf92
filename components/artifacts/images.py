"""The images of raw examples, and the shape of transformed ones.

Batches of one size, so that results do not depend on how a caller batches.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.artifacts.features import IMAGE, LABEL
from components.artifacts.model_input import ImageShape, ModelInput, prepare_images
from components.errors import DataError

if TYPE_CHECKING:
    # Only for types: the workers of a distributed training need no TFX.
    import tensorflow_transform as tft
    from tfx.types import Artifact

_READ_AT_ONCE = 512


@dataclass(frozen=True)
class Images:
    """The first images of a split, in the order of its files.

    Attributes:
      examples: Serialized tf.Examples.
      encoded: PNG or JPEG.
      labels: int64 [N]; None if one example or more has none.
      model_input: What the model takes.
    """

    examples: Sequence[bytes]
    encoded: Sequence[bytes]
    labels: NDArray[np.int64] | None
    model_input: ModelInput

    def __len__(self) -> int:
        return len(self.examples)

    def pixels(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Some of the images in the shape of the model's input, [N, height, width, channels] in [0, 1]."""
        encoded = tf.constant([self.encoded[index] for index in indices], tf.string)
        return np.asarray(self._decode(encoded).numpy())

    @cached_property
    def _decode(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """A graph: without one, decoding takes ten times as long."""
        return tf.function(lambda encoded: prepare_images(encoded, self.model_input), [tf.TensorSpec([None], tf.string)])

    def of_label(self, label: int) -> NDArray[np.int64]:
        """Indices of the images with a label, in their order; none if there are no labels."""
        return np.zeros(0, np.int64) if self.labels is None else np.flatnonzero(self.labels == label)

    def label_names(self) -> list[int]:
        """Every label that occurs, in order; none if there are no labels."""
        return [] if self.labels is None else [int(label) for label in np.unique(self.labels)]


def read_images(examples: "Sequence[Artifact]", split: str, limit: int, model_input: ModelInput) -> Images:
    """Reads the first images of a split; of several spans, the first images of each in turn.

    Args:
      examples: Examples artifacts of raw tf.Examples, GZIP TFRecords, one for each span.
      split: The name of the split.
      limit: Number of images to read, at most.
      model_input: What the model takes.

    Raises:
      DataError: The split has no example.
    """
    records = list(_records(examples, split).take(limit).as_numpy_iterator())
    if not records:
        raise DataError(f"Split '{split}' in {examples[-1].uri} has no example: give it images in data.splits.")
    return _images(records, model_input)


def stream_pixels(examples: "Sequence[Artifact]", split: str, limit: int, model_input: ModelInput) -> Iterator[tf.Tensor]:
    """The pixels of the first images of a split, some at a time: float32 [N, height, width, channels] in [0, 1].

    Arguments as for `read_images`.
    """

    def decode(batch: tf.Tensor) -> tf.Tensor:
        return prepare_images(tf.io.parse_example(batch, {IMAGE: tf.io.FixedLenFeature([], tf.string)})[IMAGE], model_input)

    batches = _records(examples, split).take(limit).batch(_READ_AT_ONCE)
    yield from batches.map(decode, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)


def read_images_at(examples: "Sequence[Artifact]", split: str, places: NDArray[np.int64], model_input: ModelInput) -> Images:
    """Reads the images at some places in the order of a split's files.

    Args:
      examples: As for `read_images`.
      split: The name of the split.
      places: From 0; below the number of images.
      model_input: What the model takes.
    """
    wanted, back = np.unique(places, return_inverse=True)
    found: list[bytes] = []
    for number, batch in enumerate(_records(examples, split).batch(_READ_AT_ONCE).as_numpy_iterator()):
        start = number * _READ_AT_ONCE
        found += [batch[place - start] for place in wanted[(wanted >= start) & (wanted < start + _READ_AT_ONCE)]]
    return _images([found[index] for index in back], model_input)


def _images(records: Sequence[bytes], model_input: ModelInput) -> Images:
    features = [tf.train.Example.FromString(record).features.feature for record in records]
    encoded = [feature[IMAGE].bytes_list.value[0] for feature in features]
    labels = [feature[LABEL].int64_list.value[:1] for feature in features]
    complete = all(len(label) == 1 for label in labels)
    return Images(records, encoded, np.array([label[0] for label in labels]) if complete else None, model_input)


def _records(examples: "Sequence[Artifact]", split: str) -> tf.data.Dataset:
    """Serialized tf.Examples in the order of their files; of several spans, one of each in turn."""
    from tfx.types import artifact_utils

    spans = [sorted(tf.io.gfile.glob(f"{uri}/*")) for uri in artifact_utils.get_split_uris(list(examples), split)]
    if len(spans) == 1:
        return tf.data.TFRecordDataset(spans[0], compression_type="GZIP")
    return tf.data.Dataset.from_tensor_slices(tf.ragged.constant(spans, tf.string)).interleave(
        lambda files: tf.data.TFRecordDataset(files, compression_type="GZIP"), cycle_length=len(spans)
    )


def image_shape(transform_graph: "tft.TFTransformOutput") -> ImageShape:
    """Height, width and channels of an image in the output of Transform."""
    height, width, channels = transform_graph.transformed_feature_spec()[IMAGE].shape
    return height, width, channels


BATCH = 64


def in_equal_batches(
    function: Callable[..., dict[str, tf.Tensor]],
    inputs: Sequence[tf.Tensor],
    shapes: Mapping[str, Sequence[int]],
    size: tf.Tensor | int = BATCH,
) -> dict[str, tf.Tensor]:
    """Applies a function to batches of one size, the last one padded.

    Matrix products of different sizes may be summed in different orders and differ in the last bit. Beam chooses the size of
    its batches by their speed, so an evaluation would depend on what else the machine does.

    Args:
      function: Takes one tensor [size, ...] for each input, and returns tensors by name, float32 [size, ...].
      inputs: Each [N, ...].
      shapes: The shape of each output for one example, by name.
      size: Of a batch.

    Returns:
      The outputs for all N, float32 [N, ...].
    """
    count = tf.shape(inputs[0])[0]
    outputs = tf.map_fn(
        lambda batch: function(*batch),
        tuple(_batched(values, -count % size, size) for values in inputs),
        fn_output_signature={name: tf.TensorSpec([tf.get_static_value(size), *shape]) for name, shape in shapes.items()},
    )
    return {name: tf.reshape(values, [-1, *shapes[name]])[:count] for name, values in outputs.items()}


def _batched(values: tf.Tensor, padding: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """[N, ...] to [batches, size, ...]."""
    padded = tf.concat([values, tf.zeros([padding, *values.shape[1:]], values.dtype)], axis=0)
    return tf.reshape(padded, [-1, size, *values.shape[1:]])
