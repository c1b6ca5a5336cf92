"""What TensorBoard shows beside the curves: reconstructions and samples by epoch, and the codes in its projector."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorboard.plugins import projector

from components.models.autoencoder import Autoencoder
from components.models.prior import Prior
from components.trainer.input_data import ImageSource, PixelScale
from components.trainer.latent_survey import spread

_COLUMNS: Final = 8
_SAMPLES: Final = 32
_PROJECTED: Final = 2000
_WIDEST_SHEET: Final = 8192
"""Of the projector's pictures, in pixels: what a graphics card takes."""


class EpochPictures:
    """Draws the same images and the same codes again, with the weights as they are."""

    def __init__(self, model: Autoencoder, images: tf.Tensor, pixels: tf.Tensor, seed: int, prior: Prior | None = None) -> None:
        """Keeps what is drawn.

        Args:
          model: In training.
          images: Of the eval split, normalised, [N, height, width, channels]; the first eight are reconstructed.
          pixels: The same in [0, 1].
          seed: Fixes the samples.
          prior: What the samples are drawn from; by default the model's own prior.
        """
        self._model = model
        self._images, self._pixels = images[:_COLUMNS], pixels[:_COLUMNS]
        self._noise = tf.random.stateless_normal((_SAMPLES, model.latent_dim), (seed, 0))
        self._choice = tf.random.stateless_uniform((_SAMPLES,), (seed, 1))
        self._prior = prior

    def draw(self) -> Mapping[str, NDArray[np.float32]]:
        """By name, sheets [1, height, width, channels] in [0, 1]. An autoencoder has no samples before its prior is fitted."""
        rows = tf.concat([self._pixels, self._model(self._images)], axis=0).numpy()
        sheets = {"reconstructions": sheet(rows, len(self._images))}
        if self._model.has_posterior:
            samples = self._model.expected_image(self._model.decode(self._codes()))
            sheets["samples"] = sheet(samples.numpy(), _COLUMNS)
        return sheets

    def _codes(self) -> tf.Tensor:
        """From the given prior, from N(0, I), or from the posteriors of the first pseudo-inputs."""
        if self._prior is not None:
            return self._prior.sample(self._noise, self._choice)
        if self._model.pseudo_inputs is None:
            return self._noise
        posterior = self._model.encode(self._model.pseudo_inputs[:_SAMPLES])
        return self._model.sample_code(posterior, self._noise[: len(posterior.mean)])


def write_projection(
    model: Autoencoder, images: ImageSource, scale: PixelScale, labels: NDArray[np.str_] | None, directory: str
) -> None:
    """Writes codes, labels and pictures of up to 2,000 images, at even distances in the split, for the embedding projector.

    Args:
      model: The model that is exported.
      images: The split.
      scale: The relation of normalised pixels to pixels in [0, 1].
      labels: Of all images, in their order; None if there are none.
      directory: Of TensorBoard's logs of this split.
    """
    height, width, _ = model.image_shape
    side = min(_WIDEST_SHEET // max(height, width), int(np.ceil(_PROJECTED**0.5)))
    count = min(_PROJECTED, images.count, side**2)
    places, codes, pixels = [], [], []
    for chosen, batch in spread(images, count):
        places.append(chosen)
        codes.append(model.encode(batch).mean.numpy())
        pixels.append(scale.denormalize(batch).numpy())
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add(tensor_name="codes", tensor_path="codes.tsv")
    _write_rows(f"{directory}/codes.tsv", ("\t".join(f"{number:.4g}" for number in code) for code in np.concatenate(codes)))
    if labels is not None:
        embedding.metadata_path = "labels.tsv"
        _write_rows(f"{directory}/labels.tsv", labels[np.concatenate(places)])
    embedding.sprite.image_path = "images.png"
    embedding.sprite.single_image_dim.extend((width, height))
    [sprite] = sheet(np.concatenate(pixels), int(np.ceil(count**0.5)), is_square=True)
    tf.io.write_file(f"{directory}/images.png", tf.io.encode_png(np.uint8(np.round(255 * np.clip(sprite, 0, 1)))))
    projector.visualize_embeddings(directory, config)


def _write_rows(path: str, rows: Iterable[str]) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write("".join(f"{row}\n" for row in rows))


def sheet(images: NDArray[np.float32], columns: int, is_square: bool = False) -> NDArray[np.float32]:
    """Images row by row, without gaps: [1, height, width, channels]; places without an image are black."""
    count, height, width, channels = images.shape
    rows = columns if is_square else -(-count // columns)
    places = np.zeros((rows * columns, height, width, channels), np.float32)
    places[:count] = images
    grid = places.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return grid.reshape(1, rows * height, columns * width, channels)
