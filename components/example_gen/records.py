"""From a dataset's records to the pipeline's: which features are the image and the label, and how they are written.

Records that already are what the component gives are copied; the images of others are encoded again.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from components.artifacts.features import IMAGE, LABEL
from components.errors import ConfigurationError, DataError, as_os_error
from components.example_gen.dataset import RecordRange, Shard

# 60,000 records, each a PNG of 28 x 28 pixels: level 1 takes 0.4 CPU seconds and 14.6 MB, level 6 0.6 s and 14.4 MB, level 0
# 0.1 s and 19.8 MB.
_WRITE_OPTIONS: Final = {"compression_type": "GZIP", "compression_level": 1}
_BATCH: Final = 1024
_BUFFER_BYTES: Final = 8 << 20

_PNG_START: Final = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
_PNG_COLOUR_TYPES: Final = {1: 0, 3: 2, 4: 6}


@dataclass(frozen=True)
class ImageFeatures:
    """The features of a dataset that go into a pipeline.

    Attributes:
      image: Path of the image feature, e.g. ``"image"`` or ``"views/front"``.
      label: Path of the label feature, or None.
      shape: (height, width, channels) of the image; None where images differ.
      plain: Whether records may hold exactly what this component gives, so that they can be copied.
    """

    image: str
    label: str | None
    shape: tuple[int | None, int | None, int | None]
    plain: bool


def select_features(features: tfds.features.FeaturesDict, image: str | None, label: str | None) -> ImageFeatures:
    """Finds the image and the label.

    Args:
      features: All features of the dataset.
      image: Path of the image feature, or None for the only one.
      label: Path of an integer feature, or None for `label` if that is an integer, and no label otherwise.

    Raises:
      ConfigurationError: If there is no such feature, several may be meant, or it is of another kind.
    """
    known = dict(_flatten(features))
    image_path = _image_path(known, image)
    label_path = _label_path(known, label)
    names = {IMAGE} if label_path is None else {IMAGE, LABEL}
    return ImageFeatures(
        image=image_path,
        label=label_path,
        shape=known[image_path].shape,
        plain=image_path == IMAGE and label_path in (None, LABEL) and set(known) == names,
    )


def _flatten(feature: tfds.features.FeatureConnector, path: str = "") -> Iterator[tuple[str, tfds.features.FeatureConnector]]:
    # A subclass of FeaturesDict, e.g. a translation, is one feature.
    if type(feature) is tfds.features.FeaturesDict:
        for name, inner in feature.items():
            yield from _flatten(inner, f"{path}/{name}" if path else name)
    else:
        yield path, feature


def _image_path(known: dict[str, tfds.features.FeatureConnector], wanted: str | None) -> str:
    images = [path for path, feature in known.items() if isinstance(feature, tfds.features.Image)]
    if wanted is None:
        # A mask of the picture is an image too, but is only taken if it is named.
        pictures = [path for path in images if not isinstance(known[path], tfds.features.LabeledImage)]
        if len(pictures) > 1:
            raise ConfigurationError(f"the dataset has several image features: set image_feature to one of {_listed(pictures)}")
        if not pictures:
            raise ConfigurationError(
                f"the dataset has no image feature, only {_listed(known)}: choose a dataset of images"
                + (f", or set image_feature to one of its masks, {_listed(images)}" if images else "")
            )
        wanted = pictures[0]
    elif wanted not in images:
        raise ConfigurationError(f"image_feature {wanted!r} is not an image of the dataset, whose images are {_listed(images)}")
    _refuse_unusual_image(wanted, known[wanted])
    return wanted


def _refuse_unusual_image(path: str, feature: tfds.features.Image) -> None:
    if np.dtype(feature.np_dtype) != np.uint8:
        raise ConfigurationError(
            f"the image feature {path!r} holds {np.dtype(feature.np_dtype).name} pixels, but only 8-bit images (uint8) can be"
            " read: choose another image_feature or dataset"
        )
    if len(feature.shape) != 3 or feature.shape[-1] not in (None, 1, 3, 4):
        raise ConfigurationError(
            f"the image feature {path!r} has the shape {feature.shape}, but only [height, width, channels] with 1, 3 or 4"
            " channels can be read: choose another image_feature or dataset"
        )


def _label_path(known: dict[str, tfds.features.FeatureConnector], wanted: str | None) -> str | None:
    integers = [path for path, feature in known.items() if _is_integer(feature)]
    if wanted is None:
        return LABEL if LABEL in integers else None
    if wanted not in integers:
        raise ConfigurationError(
            f"label_feature {wanted!r} is not an integer feature of the dataset, whose integer features are {_listed(integers)}"
        )
    return wanted


def _is_integer(feature: tfds.features.FeatureConnector) -> bool:
    # Tensor covers Scalar and ClassLabel; anything else (a sequence, a text) has a meaning beyond its type.
    return (
        isinstance(feature, tfds.features.Tensor)
        and feature.shape == ()
        and (np.issubdtype(feature.np_dtype, np.integer) or feature.np_dtype == np.bool_)
    )


def _listed(names: dict[str, tfds.features.FeatureConnector] | list[str]) -> str:
    return ", ".join(sorted(names)) or "none"


class RecordWriter:
    """Writes shards of one dataset.

    Args:
      features: All features of the dataset.
      selected: Which of them are the image and the label.
    """

    def __init__(self, features: tfds.features.FeaturesDict, selected: ImageFeatures) -> None:
        self._features = features
        self._selected = selected

    def write(self, shard: Shard, path: str) -> None:
        """Writes one file: GZIP TFRecord of tf.Example, `image` PNG bytes and, if there is a label, `label` int64.

        Args:
          shard: Where its records come from.
          path: The file, which is overwritten.

        Raises:
          DataError: If records are missing or corrupt.
          OSError: If the disk is full or the file cannot be written.
        """
        if self._selected.plain and self._copy(shard, path):
            return
        self._write(path, (record for part in shard.ranges for record in self._encoded(part)))

    @cached_property
    def _are_plain(self) -> Any:
        return _plainness_check(self._selected)

    @cached_property
    def _encode(self) -> Any:
        return _encoder(self._features, self._selected)

    def _copy(self, shard: Shard, path: str) -> bool:
        """Copies records unchanged; False, with the file half written, if one of them is not what this component gives."""
        try:
            self._write(path, (record for part in shard.ranges for record in self._copied(part)))
        except _NotPlainError:
            return False
        return True

    def _write(self, path: str, records: Iterator[bytes]) -> None:
        try:
            with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(**_WRITE_OPTIONS)) as writer:
                for record in records:
                    writer.write(record)
        except tf.errors.OpError as error:
            raise as_os_error(error) or error from error

    def _copied(self, part: RecordRange) -> Iterator[bytes]:
        for batch in _read(part, _records(part).batch(_BATCH)):
            if not self._are_plain(batch):
                raise _NotPlainError
            yield from batch

    def _encoded(self, part: RecordRange) -> Iterator[bytes]:
        images = _records(part).map(self._encode, num_parallel_calls=tf.data.AUTOTUNE).batch(_BATCH)
        for image_batch, label_batch in _read(part, images):
            for image, label in zip(image_batch, label_batch, strict=True):
                yield _example(image, None if self._selected.label is None else int(label))


class _NotPlainError(Exception):
    """A record is not what the dataset's features suggest."""


def _records(part: RecordRange) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(part.path, buffer_size=_BUFFER_BYTES).skip(part.skip).take(part.take)


def _read(part: RecordRange, batches: tf.data.Dataset) -> Iterator[Any]:
    """The batches of a range; unreadable or missing records are a DataError."""
    count = 0
    iterator = batches.as_numpy_iterator()
    while True:
        try:
            batch = next(iterator, None)
        except tf.errors.OpError as error:
            is_damaged = isinstance(error, tf.errors.DataLossError | tf.errors.InvalidArgumentError)
            if is_damaged or not tf.io.gfile.exists(part.path):
                raise _unreadable(part, error.message.splitlines()[0]) from error
            raise as_os_error(error) or error from error
        if batch is None:
            break
        count += len(batch[0] if isinstance(batch, tuple) else batch)
        yield batch
    if count != part.take:
        raise _unreadable(part, f"it ends {part.take - count:,} records too early")


def _unreadable(part: RecordRange, reason: str) -> DataError:
    return DataError(
        f"{part.path} is missing, cut short or corrupt ({reason}): delete the directory that it lies in and prepare the dataset"
        " again"
    )


def _plainness_check(selected: ImageFeatures) -> Any:
    """A function of serialized records: whether each holds a PNG file as the image feature describes it.

    The features do not say: a dataset whose code handed over encoded files keeps them as they were, JPEG or not.
    """
    parsing = {IMAGE: tf.io.FixedLenFeature([], tf.string)}
    if selected.label is not None:
        parsing[LABEL] = tf.io.FixedLenFeature([], tf.int64)
    height, width, channels = selected.shape
    colour_types = [_PNG_COLOUR_TYPES[channels]] if channels else list(_PNG_COLOUR_TYPES.values())
    # Eight bits a channel.
    depths_and_colours = tf.constant([bytes([8, colour_type]) for colour_type in colour_types])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def check(records: tf.Tensor) -> tf.Tensor:
        images = tf.io.parse_example(records, parsing)[IMAGE]
        plain = tf.strings.substr(images, 0, len(_PNG_START)) == _PNG_START
        if width is not None:
            plain &= tf.strings.substr(images, 16, 4) == struct.pack(">I", width)
        if height is not None:
            plain &= tf.strings.substr(images, 20, 4) == struct.pack(">I", height)
        found = tf.strings.substr(images, 24, 2)
        plain &= tf.reduce_any(found[:, None] == depths_and_colours[None, :], axis=1)
        return tf.reduce_all(plain)

    def are_plain(records: Any) -> bool:
        try:
            return bool(check(tf.constant(records)))
        except tf.errors.InvalidArgumentError:
            # A feature is missing, or an image is shorter than the head of a PNG file.
            return False

    return are_plain


def _encoder(features: tfds.features.FeaturesDict, selected: ImageFeatures) -> Any:
    """A function of one serialized record that gives its image as PNG bytes and its label, or -1."""
    paths = [selected.image] if selected.label is None else [selected.image, selected.label]
    wanted = tfds.decode.PartialDecoding(_nested(paths)).extract_features(features)

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def encode(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = wanted.deserialize_example(record)
        image = tf.io.encode_png(_at(example, selected.image))
        label = tf.constant(-1, tf.int64) if selected.label is None else tf.cast(_at(example, selected.label), tf.int64)
        return image, label

    return encode


def _nested(paths: list[str]) -> dict[str, Any]:
    """`["a/b", "a/c"]` as `{"a": {"b": True, "c": True}}`."""
    nested: dict[str, Any] = {}
    for path in paths:
        *outer, last = path.split("/")
        inner = nested
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = True
    return nested


def _at(example: Any, path: str) -> tf.Tensor:
    for name in path.split("/"):
        example = example[name]
    return example


def _example(image: bytes, label: int | None) -> bytes:
    feature = {IMAGE: tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))}
    if label is not None:
        feature[LABEL] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True))
