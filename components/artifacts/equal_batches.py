"""Batches of one size, whatever comes in."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

BATCH = 64


def in_equal_batches(
    function: Callable[..., dict[str, tf.Tensor]], inputs: Sequence[tf.Tensor], shapes: Mapping[str, Sequence[int]]
) -> dict[str, tf.Tensor]:
    """Applies a function to batches of 64, the last one padded.

    A matrix product of another size may be computed in another order, and then differs in the last bit. Beam chooses its
    batches by how fast they go, so a model's evaluation would depend on what else the machine did.

    Args:
      function: Takes as many tensors as there are inputs, each [64, ...], and gives named ones, float32 [64, ...].
      inputs: Each [N, ...].
      shapes: By the name of an output, its shape for one example.

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
