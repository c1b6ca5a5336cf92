"""What a training needs of this machine, estimated before the model exists, so that it is refused and not killed."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras
import tensorflow as tf

from components.artifacts.model_input import ImageShape
from components.errors import ConfigurationError
from components.free_space import free_disk, free_memory
from components.models.autoencoder import build_model
from components.models.config import ModelConfig, Network
from components.trainer.config import TrainerConfig

_FLOAT_BYTES: Final = 4
_COPIES_IN_MEMORY: Final = 6
"""Of all weights, at the export: model, best epoch, Adam's two averages, exported model, and the arrays between the two models.
Training has one fewer: instead of the last two it has the gradients."""

_COPIES_IN_CHECKPOINT: Final = 4
"""Model, best epoch, and Adam's two averages."""


@dataclass(frozen=True)
class Requirements:
    """What a training needs.

    Attributes:
      weights: Number of all weights of the model.
      weight_bytes: Memory of the weights, with all copies that exist at one time.
      activation_bytes: Memory of the outputs of all layers for one batch, which the gradients need.
      checkpoint_bytes: Disk for checkpoints. A checkpoint is deleted only after the next one is written.
    """

    weights: int
    weight_bytes: int
    activation_bytes: int
    checkpoint_bytes: int


def estimate(model: ModelConfig, trainer: TrainerConfig, shape: ImageShape, count: int) -> Requirements:
    """Counts weights and layer outputs; allocates none of them.

    Args:
      model: What is trained.
      trainer: The recipe.
      shape: Height, width and channels of every image.
      count: Number of training images.
    """
    # Keras collects the variables of the scope for each thread, to initialise them later: those of this thread go with it.
    with ThreadPoolExecutor(max_workers=1) as thread:
        weights, encoder_outputs, decoder_outputs = thread.submit(_count, model, shape).result()
    outputs = encoder_outputs + model.samples * decoder_outputs
    # With `prior_epochs` the last one of the epochs before stays.
    checkpoints = min(2, trainer.epochs) + min(1, trainer.prior_epochs)
    return Requirements(
        weights=weights,
        weight_bytes=_COPIES_IN_MEMORY * _FLOAT_BYTES * weights,
        activation_bytes=_FLOAT_BYTES * min(trainer.batch_size, count) * outputs,
        checkpoint_bytes=checkpoints * _COPIES_IN_CHECKPOINT * _FLOAT_BYTES * weights,
    )


def check_requirements(
    model: ModelConfig, trainer: TrainerConfig, shape: ImageShape, count: int, checkpoints: str | None, processes: int = 1
) -> None:
    """Refuses a training that cannot fit into memory, or whose checkpoints cannot fit on the disk.

    Args:
      model: What is trained.
      trainer: The recipe.
      shape: Height, width and channels of every image.
      count: Number of training images.
      checkpoints: The directory of the checkpoints of this training; None for a process that writes none.
      processes: How many processes of this machine train together. Each has all weights, and its share of a batch.

    Raises:
      ConfigurationError: It does not fit.
    """
    needed = estimate(model, trainer, shape, count)
    memory, free = processes * needed.weight_bytes + needed.activation_bytes, free_memory()
    of_processes = f" of {processes} processes" if processes > 1 else ""
    # On a GPU weights and activations are in its memory.
    if memory > free and not tf.config.list_physical_devices("GPU"):
        raise ConfigurationError(
            f"Training this model of {needed.weights:,} weights needs {_gigabytes(memory)} of memory "
            f"({_gigabytes(processes * needed.weight_bytes)} for weights, gradients and optimiser{of_processes}, "
            f"{_gigabytes(needed.activation_bytes)} for activations), and {_gigabytes(free)} are free: "
            f"{'lower trainer.workers, or ' if processes > 1 else ''}{_remedy(model, needed)}."
        )
    if checkpoints is None:
        return
    directory = Path(checkpoints)
    existing = sum(file.stat().st_size for file in directory.rglob("*")) if directory.is_dir() else 0
    disk, free_bytes = needed.checkpoint_bytes - existing, free_disk(directory)
    if disk > free_bytes:
        raise ConfigurationError(
            f"The checkpoints of this model of {needed.weights:,} weights need {_gigabytes(disk)} of disk, and "
            f"{_gigabytes(free_bytes)} are free in {directory}: free some space, set runtime.root to a larger disk, or "
            f"{_smaller_model(model)}."
        )


def _count(config: ModelConfig, shape: ImageShape) -> tuple[int, int, int]:
    """Number of weights, and of the outputs of all layers of the encoder and of the decoder, for one image."""
    with keras.StatelessScope(initialize_variables=False):
        model = build_model(config, shape, pixel_mean=0.5, seed=0)
    encoder, decoder = (
        sum(math.prod(layer.output.shape[1:]) for layer in network.layers) for network in (model.encoder, model.decoder)
    )
    return sum(math.prod(weight.shape) for weight in model.weights), encoder, decoder


def _remedy(model: ModelConfig, needed: Requirements) -> str:
    if needed.activation_bytes > needed.weight_bytes:
        return "lower trainer.batch_size" + (" or model.samples" if model.samples > 1 else "") + ", or transform.image_shape"
    return _smaller_model(model)


def _smaller_model(model: ModelConfig) -> str:
    networks = {model.network, model.decoder_network or model.network}
    names = ["model.hidden_units"] if Network.DENSE in networks else []
    names += ["model.filters", "model.decoder_units"] if Network.CONV in networks else []
    return f"lower {', '.join(names)} or transform.image_shape"


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
