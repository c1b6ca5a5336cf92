"""The EXIF orientation of a JPEG file, in pure TensorFlow.

A camera stores a picture as its sensor sees it, and says how to turn it.
A JPEG file is a row of segments: a marker of two bytes, a length of two bytes that includes itself, the content. The segment
APP1 with the signature `Exif` holds a TIFF file, whose first directory has the orientation (CIPA DC-008, 4.6).
"""

from collections.abc import Callable
from typing import Final

import tensorflow as tf

# The segments with metadata come first; each is at most 64 KiB.
_SEARCHED: Final = 2**18
_MARKER, _APP1, _SCAN = 0xFF, 0xE1, 0xDA
_SIGNATURE: Final = (0x45, 0x78, 0x69, 0x66, 0, 0)
# Where a segment has its marker, its length, and its marker and signature.
_TYPE, _LENGTH, _SIGNED = (0, 1), (2, 3), (0, 1, 4, 5, 6, 7, 8, 9)
_INTEL: Final = 0x49
_ORIENTATION, _ENTRY, _MOST_ENTRIES = 0x0112, 12, 1024


def orientation_of(jpeg: tf.Tensor) -> tf.Tensor:
    """The orientation, 1 (upright) to 8, int32 scalar; 1 if the file does not say.

    Args:
      jpeg: A file, string scalar.
    """
    content = tf.io.decode_raw(tf.strings.substr(jpeg, 0, _SEARCHED), tf.uint8)
    end = tf.size(content)

    def read(places: tf.Tensor) -> tf.Tensor:
        """Bytes as int32; zeros beyond the end."""
        inside = tf.logical_and(places >= 0, places < end)
        return tf.where(inside, tf.cast(tf.gather(content, tf.where(inside, places, 0)), tf.int32), 0)

    def is_exif(start: tf.Tensor) -> tf.Tensor:
        return tf.reduce_all(tf.equal(read(start + _SIGNED), [_MARKER, _APP1, *_SIGNATURE]))

    def goes_on(start: tf.Tensor) -> tf.Tensor:
        marker = read(start + _TYPE)
        is_segment = tf.logical_and(tf.equal(marker[0], _MARKER), tf.not_equal(marker[1], _SCAN))
        return tf.logical_and(is_segment, tf.logical_not(is_exif(start)))

    def next_segment(start: tf.Tensor) -> tuple[tf.Tensor]:
        length = read(start + _LENGTH)
        return (start + 2 + tf.maximum(length[0] * 256 + length[1], 2),)

    (start,) = tf.while_loop(goes_on, next_segment, (tf.constant(2),))
    return tf.cond(is_exif(start), lambda: _orientation_in_tiff(read, start + 10), lambda: tf.constant(1))


def _orientation_in_tiff(read: Callable[[tf.Tensor], tf.Tensor], tiff: tf.Tensor) -> tf.Tensor:
    is_intel = tf.equal(read(tiff), _INTEL)

    def number(places: tf.Tensor, length: int) -> tf.Tensor:
        """Unsigned integers that start at places."""
        digits = read(places[..., tf.newaxis] + tf.range(length))
        big_endian = tf.where(is_intel, tf.reverse(digits, [-1]), digits)
        return tf.reduce_sum(big_endian * [256**power for power in reversed(range(length))], axis=-1)

    # An offset of 2^31 or more overflows; like every other place outside the file, it reads as zeros.
    directory = tiff + number(tiff + 4, 4)
    count = tf.minimum(number(directory, 2), _MOST_ENTRIES)
    entries = directory + 2 + _ENTRY * tf.range(count)
    values = tf.boolean_mask(number(entries + 8, 2), tf.equal(number(entries, 2), _ORIENTATION))
    value = tf.concat([values, [1]], axis=0)[0]
    return tf.where(tf.logical_and(value >= 1, value <= 8), value, 1)


def turn_upright(pixels: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns and mirrors an image [height, width, channels], so that its orientation becomes 1."""

    def transpose() -> tf.Tensor:
        # Not tf.transpose: oneDNN prints a warning on processors where it cannot transpose bytes.
        height, width, channels = tf.unstack(tf.shape(pixels))
        places = tf.range(width)[:, tf.newaxis] + width * tf.range(height)
        return tf.gather(tf.reshape(pixels, [height * width, channels]), places)

    def turn() -> tf.Tensor:
        turned = tf.cond(orientation >= 5, transpose, lambda: pixels)
        mirrored = _contains([2, 3, 6, 7], orientation)
        turned = tf.cond(mirrored, lambda: tf.reverse(turned, [1]), lambda: turned)
        return tf.cond(_contains([3, 4, 7, 8], orientation), lambda: tf.reverse(turned, [0]), lambda: turned)

    return tf.cond(tf.equal(orientation, 1), lambda: pixels, turn)


def _contains(values: list[int], value: tf.Tensor) -> tf.Tensor:
    return tf.reduce_any(tf.equal(values, value))
