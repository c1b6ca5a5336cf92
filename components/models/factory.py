"""From the configuration to a model.

To add a model: subclass `Autoencoder` in a module of its own, give it a name in `config.ModelKind`, and add it to
`build_model`. Training, evaluation, serving and the report then work with it, for they know no more than the methods of
`Autoencoder`.
"""

from typing import assert_never

from components.models.autoencoder import Autoencoder
from components.models.config import ModelConfig, ModelKind
from components.models.vae import VariationalAutoencoder


def build_model(config: ModelConfig, image_shape: tuple[int, int, int], pixel_mean: float, seed: int) -> Autoencoder:
    """An untrained model, all of whose variables exist.

    Args:
      config: which model, and what it is made of.
      image_shape: height, width, channels; any of them may be 1.
      pixel_mean: mean of all pixels of the training split, in [0, 1].
      seed: not negative; the same seed gives the same weights.
    """
    match config.kind:
        case ModelKind.AE:
            return Autoencoder(config, image_shape, pixel_mean, seed)
        case ModelKind.VAE:
            return VariationalAutoencoder(config, image_shape, pixel_mean, seed)
        case _:
            assert_never(config.kind)
