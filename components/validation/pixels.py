"""Looks at every image of a split, once and in bounded memory: a number of 8 bytes for each image is kept."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.artifacts.features import IMAGE, LABEL
from components.artifacts.model_input import decode_upright

_BATCH: Final = 512
# Pixels that are decoded together.
_AT_ONCE: Final = 2**22
_DIGEST_BYTES: Final = 8
# The start of a PNG file: the signature, width, height, bit depth and colour type.
_HEADER: Final = 26
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COLOURS: Final = {b"\x08\x00": 1, b"\x08\x02": 3}


class Size(NamedTuple):
    """The size of an upright image, without its alpha channel."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height} {'grey' if self.channels == 1 else 'RGB'}"


@dataclass
class Survey:
    """What was seen of a split.

    Attributes:
      levels: How many values of pixels there are of each, 0 to 255.
      sizes: How many images have each size.
      labels: How many images have each label.
      constant: The numbers of the images of a single colour, in the order of the files, from 1.
      damaged: The numbers of those that cannot be decoded.
      digests: Of the pixels of each image; 0 for one that is damaged.
    """

    levels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    sizes: Counter[Size] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)
    constant: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    digests: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.digests)

    def add(self, first: int, pixels: NDArray[np.uint8]) -> bytes:
        """Adds images of one size.

        Args:
          first: The number of the first.
          pixels: [N, height, width, 1 to 4].

        Returns:
          Their digests.
        """
        count, height, width, channels = pixels.shape
        colours = pixels[..., : channels - 1] if channels in (2, 4) else pixels
        self.levels += np.bincount(colours.ravel(), minlength=256)
        self.sizes[Size(height, width, colours.shape[-1])] += count
        is_constant = (colours == colours[:, :1, :1]).all(axis=(1, 2, 3))
        self.constant.extend(int(index) + first for index in np.flatnonzero(is_constant))
        shape = repr((height, width, channels)).encode()
        return b"".join(hashlib.blake2b(one.tobytes(), digest_size=_DIGEST_BYTES, person=shape[:16]).digest() for one in pixels)


def survey(files: Sequence[str]) -> Survey:
    """Looks at the images of a split.

    Args:
      files: GZIP TFRecords of raw tf.Examples.
    """
    found, digests = Survey(), bytearray()
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH).map(_parse):
        encoded = batch[IMAGE].to_list()
        found.labels.update(batch[LABEL].flat_values.numpy().tolist())
        for group in _of_one_size([values[0] if values else b"" for values in encoded]):
            digests += _look_at(found, len(digests) // _DIGEST_BYTES + 1, group)
    found.digests = np.frombuffer(bytes(digests), np.uint64)
    return found


def _parse(records: tf.Tensor) -> dict[str, tf.RaggedTensor]:
    return dict(tf.io.parse_example(records, {IMAGE: tf.io.RaggedFeature(tf.string), LABEL: tf.io.RaggedFeature(tf.int64)}))


def _look_at(found: Survey, first: int, encoded: list[bytes]) -> bytes:
    try:
        return found.add(first, _decode(tf.constant(encoded)).numpy())
    except tf.errors.InvalidArgumentError:
        if len(encoded) > 1:
            return b"".join(_look_at(found, first + index, [one]) for index, one in enumerate(encoded))
        found.damaged.append(first)
        return bytes(_DIGEST_BYTES)


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _decode(encoded: tf.Tensor) -> Any:
    signature = tf.TensorSpec([None, None, None], tf.uint8)
    # A batch of PNG files of one size, or one file of any kind.
    return tf.cond(
        tf.size(encoded) > 1,
        lambda: tf.map_fn(tf.io.decode_png, encoded, fn_output_signature=signature),
        lambda: decode_upright(encoded[0])[tf.newaxis],
    )


def _of_one_size(files: list[bytes]) -> Iterator[list[bytes]]:
    """The files in their order, in groups that can be decoded together."""
    group: list[bytes] = []
    for file in files:
        if group and (file[:_HEADER] != group[0][:_HEADER] or (len(group) + 1) * _values(file) > _AT_ONCE):
            yield group
            group = []
        group.append(file)
    yield group


def _values(file: bytes) -> int:
    """How many values the pixels of a PNG file of 8 bits have; of other files so many that each is decoded alone."""
    channels = _COLOURS.get(file[_HEADER - 2 : _HEADER]) if file.startswith(_PNG) else None
    if channels is None:
        return _AT_ONCE
    return int.from_bytes(file[16:20]) * int.from_bytes(file[20:24]) * channels
