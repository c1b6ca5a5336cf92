"""A usual Keras VAE: stock layers, a custom train_step, Adam, tf.data, `fit`."""

from contest import IMAGES, NETWORKS, Network, answer_epochs, contestant, read_digits
from tensorflow_threads import limit_threads


def main() -> None:
    """Runs the epochs."""
    arguments = contestant("--jit-compile", "--bfloat16")
    limit_threads(arguments.threads)
    import keras
    import numpy as np
    import tensorflow as tf

    network = NETWORKS[arguments.network]
    if arguments.bfloat16:
        keras.config.set_dtype_policy("mixed_bfloat16")

    class KerasVae(keras.Model):
        def __init__(self, network: Network) -> None:
            super().__init__()
            image, code = keras.Input((28, 28, 1)), keras.Input((network.latent_dim,))
            features = hidden(keras.layers.Flatten()(image), network.hidden_units)
            self.encoder = keras.Model(image, [in_float32(keras.layers.Dense(network.latent_dim)(features)) for _ in range(2)])
            logits = keras.layers.Dense(784)(hidden(code, network.hidden_units[::-1]))
            self.decoder = keras.Model(code, in_float32(keras.layers.Reshape((28, 28, 1))(logits)))

        def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
            with tf.GradientTape() as tape:
                mean, log_variance = self.encoder(images, training=True)
                code = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
                logits = self.decoder(code, training=True)
                cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(images, logits)
                reconstruction = tf.reduce_sum(cross_entropy, axis=(1, 2, 3))
                divergence = 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=1)
                loss = tf.reduce_mean(reconstruction + divergence)
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            return {"loss": loss}

    def hidden(features: keras.KerasTensor, widths: tuple[int, ...]) -> keras.KerasTensor:
        for width in widths:
            features = keras.layers.Dense(width)(features)
            if network.batch_normalization:
                features = keras.layers.BatchNormalization()(features)
            features = keras.layers.Activation(network.activation)(features)
        return features

    def in_float32(output: keras.KerasTensor) -> keras.KerasTensor:
        # Keras's guide to mixed precision recommends float32 for the inputs of a loss.
        return keras.layers.Activation("linear", dtype="float32")(output) if arguments.bfloat16 else output

    vae = KerasVae(network)
    vae.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=arguments.jit_compile)
    digits = read_digits()[..., np.newaxis].astype(np.float32) / np.float32(255)
    dataset = tf.data.Dataset.from_tensor_slices(digits).shuffle(IMAGES).batch(network.batch_size, drop_remainder=True)

    def epoch() -> int:
        vae.fit(dataset, epochs=1, verbose=0)
        return IMAGES // network.batch_size * network.batch_size

    answer_epochs(epoch)


if __name__ == "__main__":
    main()
