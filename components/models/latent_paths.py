"""Paths from one code to another, for interpolation between images."""

import tensorflow as tf

# Radians. Below it (or as close to half a turn) the sine by which slerp divides is mostly rounding error.
_SMALLEST_ANGLE = 1e-3


def linear_path(start: tf.Tensor, end: tf.Tensor, steps: tf.Tensor | int) -> tf.Tensor:
    """Codes on the straight line from `start` to `end`, equally spaced.

    Args:
      start: float32 [N, L].
      end: float32 [N, L].
      steps: number of codes, both ends included: int32 scalar. One gives the start alone.

    Returns:
      float32 [N, steps, L], whose first and last codes are exactly `start` and `end`.
    """
    time = _times(steps)
    return (1.0 - time) * start[:, tf.newaxis] + time * end[:, tf.newaxis]


def spherical_path(start: tf.Tensor, end: tf.Tensor, steps: tf.Tensor | int) -> tf.Tensor:
    """Codes on the arc from `start` to `end`, in equal angles: spherical linear interpolation, "slerp".

    In many dimensions nearly all of a standard normal lies near a sphere, and a straight line between two codes leaves it: its
    middle is shorter than any code the decoder has seen. White, 2016, "Sampling Generative Networks", section 2.1; Shoemake,
    1985. Where the arc is not defined (an end is zero, or they point the same or opposite ways) the path is the straight line.

    Args:
      start: float32 [N, L].
      end: float32 [N, L].
      steps: number of codes, both ends included: int32 scalar. One gives the start alone.

    Returns:
      float32 [N, steps, L], whose first and last codes are exactly `start` and `end`.
    """
    time = _times(steps)
    angle = _angle(start, end)[:, tf.newaxis]
    sine = tf.sin(angle)
    # At the ends the straight line is exact, while sin(angle) / sin(angle) need not be.
    is_straight = (sine < _SMALLEST_ANGLE) | (time <= 0.0) | (time >= 1.0)
    start_weight = tf.where(is_straight, 1.0 - time, tf.math.divide_no_nan(tf.sin((1.0 - time) * angle), sine))
    end_weight = tf.where(is_straight, time, tf.math.divide_no_nan(tf.sin(time * angle), sine))
    return start_weight * start[:, tf.newaxis] + end_weight * end[:, tf.newaxis]


def _times(steps: tf.Tensor | int) -> tf.Tensor:
    """float32 [1, steps, 1] from 0 to exactly 1."""
    last = tf.maximum(steps - 1, 1)
    return (tf.cast(tf.range(steps), tf.float32) / tf.cast(last, tf.float32))[tf.newaxis, :, tf.newaxis]


def _angle(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Radians between the rows of two matrices, float32 [N, 1]; 0 where one of the two is zero.

    Kahan's formula, accurate for small angles too, where the arc cosine is not.
    """
    first_length = tf.norm(first, axis=1, keepdims=True)
    second_length = tf.norm(second, axis=1, keepdims=True)
    crossed_first, crossed_second = second_length * first, first_length * second
    difference = tf.norm(crossed_first - crossed_second, axis=1, keepdims=True)
    total = tf.norm(crossed_first + crossed_second, axis=1, keepdims=True)
    return 2.0 * tf.atan2(difference, total)
