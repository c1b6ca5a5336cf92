"""Models without weights that load at once, and whose answers say which they are."""

from pathlib import Path

import tensorflow as tf

LATENT_DIM = 4
_SHAPE = [None, 2, 2, 1]


class TinyModel(tf.Module):
    """Decodes a code of four numbers into an image of four pixels, a certain number of times as bright."""

    def __init__(self, brightness: float) -> None:
        super().__init__()
        self._brightness = brightness

    def save(self, directory: Path) -> Path:
        """Writes the SavedModel; gives its directory."""
        signatures = {"decode": self.decode, "encode": self.encode, "reconstruct": self.reconstruct}
        tf.saved_model.save(self, str(directory), signatures=signatures)
        return directory

    @tf.function(input_signature=[tf.TensorSpec([None, LATENT_DIM], tf.float32, name="latent")])
    def decode(self, latent: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": self._brightness * tf.reshape(latent, [-1, 2, 2, 1])}

    @tf.function(input_signature=[tf.TensorSpec(_SHAPE, tf.float32, name="image")])
    def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"latent_mean": tf.reshape(image, [-1, LATENT_DIM])}

    @tf.function(input_signature=[tf.TensorSpec(_SHAPE, tf.float32, name="image")])
    def reconstruct(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"reconstruction": self._brightness * image}
