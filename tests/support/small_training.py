"""A small training with all kinds of chance, on one device or several. As a script: `small_training.py mirrored DIRECTORY`."""

import json
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.artifacts.features import Binarization
from components.models.autoencoder import build_model
from components.models.config import ModelConfig
from components.trainer.checkpoints import TrainingCheckpoint
from components.trainer.config import AugmentationConfig, Distribution, TrainerConfig
from components.trainer.distribution import Replicas, open_replicas
from components.trainer.input_data import ImagesInMemory, PixelScale
from components.trainer.training_loop import TrainingData, TrainingLoop
from components.trainer.views import ImageViews

SHAPE = (8, 8, 1)
# The eval split is odd, so that its parts differ in size.
TRAIN, EVAL = 200, 61


def small_loop(replicas: Replicas, batch_size: int = 40) -> tuple[TrainingLoop, Any]:
    """The loop, and the model that it trains."""
    images = tf.random.stateless_uniform((TRAIN + EVAL, *SHAPE), (1, 2)) ** 3
    config = TrainerConfig(epochs=2, batch_size=batch_size, augmentation=AugmentationConfig(share=0.5))
    views = ImageViews(PixelScale(1.0, 0.0), config.augmentation, Binarization.DYNAMIC)
    data = TrainingData(ImagesInMemory(images[:TRAIN], 0), ImagesInMemory(images[TRAIN:], 0), views)
    with replicas.scope():
        model = build_model(ModelConfig(hidden_units=(16,), latent_dim=3, samples=2, precision="float32"), SHAPE, 0.25, seed=0)
    return TrainingLoop(model, data, config, beta=1.0, replicas=replicas), model


def train_small(replicas: Replicas, directory: Path) -> dict[str, Any]:
    """Trains two epochs; gives the number of devices, the curves without wall time, and the weights as nested lists."""
    loop, model = small_loop(replicas)
    history = loop.run(TrainingCheckpoint(str(directory / "checkpoints"), model, loop.optimizer), str(directory / "curves"))
    curves = [epoch.model_dump(mode="json", exclude={"seconds"}) for epoch in history.epochs]
    return {"devices": replicas.count, "curves": curves, "weights": [weight.tolist() for weight in model.get_weights()]}


def main() -> None:
    """Trains on two logical devices of the processor, and writes what `train_small` gives."""
    distribution, directory = Distribution(sys.argv[1]), Path(sys.argv[2])
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    result = train_small(open_replicas(distribution), directory)
    (directory / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
