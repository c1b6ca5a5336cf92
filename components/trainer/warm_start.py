"""Starts a training from the weights of an earlier model: the stock Trainer's `base_model`, here the champion."""

import logging

import tensorflow as tf

from components.models.autoencoder import Autoencoder

_NAME = "variables_read/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""Of the weights of an exported model, in the order of the model: see `ExportedModel.save`."""

_LOGGER = logging.getLogger("tfx_vae.trainer")


def start_from(model: Autoencoder, base_model: str | None) -> bool:
    """Takes over the weights of an exported model if it has the same architecture; else the log says why not.

    Args:
      model: Freshly initialised; it stays so if the weights do not fit.
      base_model: The directory of the SavedModel; None if there is no champion yet.

    Returns:
      Whether the weights were taken over.
    """
    if base_model is None:
        _LOGGER.info("Warm start: there is no champion yet, so the training starts afresh.")
        return False
    reader = tf.train.load_checkpoint(f"{base_model}/variables/variables")
    shapes = reader.get_variable_to_shape_map()
    names = [name for number in range(len(shapes)) if (name := _NAME.format(number)) in shapes]
    found, wanted = [tuple(shapes[name]) for name in names], [tuple(weight.shape) for weight in model.weights]
    if found != wanted:
        _LOGGER.warning("Warm start: the training starts afresh, because %s.", _difference(found, wanted))
        return False
    model.set_weights([reader.get_tensor(name) for name in names])
    _LOGGER.info("Warm start: the training starts from the weights of %s.", base_model)
    return True


def _difference(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> str:
    if len(found) != len(wanted):
        return f"the champion has {len(found)} arrays of weights, and this model {len(wanted)}"
    number, before, now = next((n, a, b) for n, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
    return f"the champion's weights number {number} have the shape {before}, and this model's {now}"
