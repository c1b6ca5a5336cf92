"""Batch normalisation (Ioffe & Szegedy, 2015) with the statistics of the whole batch, also where several devices share it."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tfx_vae")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer over the last axis of [N, C] or [N, height, width, C], with its variables and its results.

    In training it is one kernel where Keras has ten operations. Where `tf.distribute` gives each replica a part of the batch,
    the statistics are those of all parts together, so that a model learns the same on one device and on many.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Normalises; in training by this batch, whose statistics it adds to the moving averages."""
        if not training:
            return super().call(inputs, training=False, mask=mask)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1 and not tf.distribute.in_cross_replica_context():
            normalized, mean, variance = self._over_all_replicas(inputs)
        else:
            normalized, mean, variance = self._by_one_kernel(inputs)
        self._average_in(self.moving_mean, mean)
        self._average_in(self.moving_variance, variance)
        return normalized

    def _by_one_kernel(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        pixels = tf.reshape(inputs, [-1, 1, 1, inputs.shape[-1]])
        normalized, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            pixels, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
        )
        # The kernel divides by one less than the number of pixels, to estimate the variance; Keras does not.
        count = tf.cast(tf.shape(pixels)[0], tf.float32)
        return tf.reshape(normalized, tf.shape(inputs)), mean, variance * (count - 1.0) / count

    def _over_all_replicas(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        pixels = tf.reshape(inputs, [-1, inputs.shape[-1]])
        # Seen from the moving average, near which they lie: the mean of squares less the square of the mean would cancel.
        shift = tf.convert_to_tensor(self.moving_mean.value)
        shifted = pixels - shift
        sums = [tf.reduce_sum(shifted, axis=0), tf.reduce_sum(tf.square(shifted), axis=0)]
        count = tf.cast(tf.shape(pixels)[:1], tf.float32)
        total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.concat([*sums, count], axis=0))
        shifted_mean, squared_mean = tf.split(total[:-1] / total[-1], 2)
        mean = shift + shifted_mean
        variance = tf.maximum(squared_mean - tf.square(shifted_mean), 0.0)
        normalized = tf.nn.batch_normalization(inputs, mean, variance, self.beta.value, self.gamma.value, self.epsilon)
        return normalized, mean, variance

    def _average_in(self, average: Any, value: tf.Tensor) -> None:
        updated = average.value * self.momentum + tf.stop_gradient(value) * (1.0 - self.momentum)
        # Each replica writes its own copy, all the same: a plain `assign` in a replica would have to know how to merge them.
        tf.raw_ops.AssignVariableOp(resource=average.value.handle, value=updated)
