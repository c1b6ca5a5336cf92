"""Measures what `trainer.warm_start: champion` saves: epochs to reach the same eval loss, warm against cold, over five spans.

    python benchmarks/warm_start.py [--images 2500] [--epochs 12]

Each night a span of MNIST digits is added to the window, a tenth of which is its eval split. One model is trained afresh on the
window, another one from the best weights of the night before, as TFX's Trainer does with `base_model`.
"""

import argparse
import platform
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from default_run import machine, print_table
from digits import read_split
from numpy.typing import NDArray

if TYPE_CHECKING:
    from components.models.autoencoder import Autoencoder

SPANS = 5
_PIXEL_MEAN = 0.13


def main() -> None:
    """Prints a table with a row for each night."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=2500, help="digits of a span")
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    size = arguments.images
    spans = [read_split(f"train[{size * span}:{size * (span + 1)}]") for span in range(SPANS)]
    print(
        f"{date.today()}, {machine()}, Python {platform.python_version()}, {size:,} digits a span, {arguments.epochs} epochs\n"
    )
    nights = [f"{number}: {number * (size - size // 10):,} images" for number in range(1, SPANS + 1)]
    columns: dict[str, dict[str, float]] = {
        name: {} for name in ("cold, eval loss", "in epochs", "warm, the same in epochs", "warm, eval loss after all")
    }
    champion: list[NDArray[np.float32]] = []
    for number, night in enumerate(nights, 1):
        cold, _ = train(spans[:number], arguments.epochs, [])
        warm, champion = train(spans[:number], arguments.epochs, champion)
        reached = next((epoch for epoch, loss in enumerate(warm, 1) if loss <= min(cold)), np.nan)
        figures = (min(cold), 1 + int(np.argmin(cold)), reached, min(warm))
        for column, figure in zip(columns.values(), figures, strict=True):
            column[night] = figure
    print_table("night", columns, "{:.4g}")


def train(
    spans: list[NDArray[np.float32]], epochs: int, start: list[NDArray[np.float32]]
) -> tuple[list[float], list[NDArray[np.float32]]]:
    """Trains on a window.

    Args:
      spans: Of the window.
      epochs: How many.
      start: The weights to start from; empty for those of a fresh model.

    Returns:
      The eval loss of each epoch, and the best weights.
    """
    import tensorflow as tf

    from components.artifacts.features import Binarization
    from components.models.autoencoder import build_model
    from components.models.config import ModelConfig, Network
    from components.trainer.config import TrainerConfig
    from components.trainer.input_data import ImagesInMemory, PixelScale
    from components.trainer.training_loop import TrainingData, TrainingLoop
    from components.trainer.views import ImageViews

    dense = ModelConfig(network=Network.DENSE, decoder_network=Network.DENSE, hidden_units=(256, 256), latent_dim=16)
    model: Autoencoder = build_model(dense, (28, 28, 1), _PIXEL_MEAN, seed=0)
    if start:
        model.set_weights(start)
    config = TrainerConfig(epochs=epochs, batch_size=64)
    train_images, eval_images = (np.concatenate([span[part] for span in spans]) for part in _parts(len(spans[0])))
    views = ImageViews(PixelScale(1.0, 0.0), config.augmentation, Binarization.NONE)
    data = TrainingData(ImagesInMemory(tf.constant(train_images), 0), ImagesInMemory(tf.constant(eval_images), 0), views)
    loop = TrainingLoop(model, data, config, beta=1.0)
    losses: list[float] = []
    best: list[NDArray[np.float32]] = []
    for epoch in range(epochs):
        losses.append(loop.run_epoch(epoch).eval.loss)
        if losses[-1] == min(losses):
            best = model.get_weights()
    return losses, best


def _parts(size: int) -> tuple[slice, slice]:
    return slice(size // 10, None), slice(size // 10)


if __name__ == "__main__":
    main()
