"""Batches of one size, so that results do not depend on how a caller batches."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

BATCH = 64


def in_equal_batches(
    function: Callable[..., dict[str, tf.Tensor]], inputs: Sequence[tf.Tensor], shapes: Mapping[str, Sequence[int]]
) -> dict[str, tf.Tensor]:
    """Applies a function to batches of 64, the last one padded.

    Matrix products of different sizes may be summed in different orders and differ in the last bit. Beam chooses the size of
    its batches by their speed, so an evaluation would depend on what else the machine does.

    Args:
      function: Takes one tensor [64, ...] for each input, and returns tensors by name, float32 [64, ...].
      inputs: Each [N, ...].
      shapes: The shape of each output for one example, by name.

    Returns:
      The outputs for all N, float32 [N, ...].
    """
    count = tf.shape(inputs[0])[0]
    outputs = tf.map_fn(
        lambda batch: function(*batch),
        tuple(_batched(values, -count % BATCH) for values in inputs),
        fn_output_signature={name: tf.TensorSpec([BATCH, *shape], tf.float32) for name, shape in shapes.items()},
    )
    return {name: tf.reshape(values, [-1, *shapes[name]])[:count] for name, values in outputs.items()}


def _batched(values: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
    """[N, ...] to [batches, 64, ...]."""
    padded = tf.concat([values, tf.zeros([padding, *values.shape[1:]], values.dtype)], axis=0)
    return tf.reshape(padded, [-1, BATCH, *values.shape[1:]])
