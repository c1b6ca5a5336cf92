"""An exported model, loaded with TensorFlow only: signatures that take and return arrays."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from numpy.typing import NDArray

from components.artifacts.features import IMAGE
from components.artifacts.labels import read_exported_labels
from components.artifacts.model_input import EXPORTED_MODEL_INPUT_FILE, ModelInput, read_model_input
from components.artifacts.signature_names import DECODE, ENCODE, LATENT, LATENT_LOG_VARIANCE, RECONSTRUCT
from components.errors import PipelineError
from components.private_tensorflow import DirectFunction

Array = NDArray[Any]


class Tensor(NamedTuple):
    """An input or an output of a signature.

    Attributes:
      dtype: TensorFlow's name of the type: `float32`, `int32`, `string`.
      shape: None for a size that is free.
    """

    dtype: str
    shape: tuple[int | None, ...]


class Signature(NamedTuple):
    """The inputs and the outputs of a signature, by name."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class LoadedModel:
    """A SavedModel that the Trainer exported."""

    def __init__(self, directory: Path) -> None:
        """Loads it.

        Args:
          directory: The SavedModel.

        Raises:
          PipelineError: It cannot be loaded.
        """
        self.directory = directory
        try:
            # Keeps the variables of the functions alive.
            self._loaded = tf.saved_model.load(str(directory))
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
            raise PipelineError(f"The model in {directory} cannot be loaded: {' '.join(str(error).split())}") from error
        self._functions: Mapping[str, Any] = self._loaded.signatures
        self._direct = {name: DirectFunction(function) for name, function in self._functions.items()}
        self.signatures = {name: _describe(function) for name, function in self._functions.items()}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        _, height, width, channels = self.signatures[RECONSTRUCT].inputs[IMAGE].shape
        return int(height or 0), int(width or 0), int(channels or 0)

    @property
    def model_input(self) -> ModelInput:
        """What it takes; for a model of an older version, images are padded with black.

        Raises:
          DataError: The file beside the model that says so is damaged.
        """
        return read_model_input(f"{self.directory}/{EXPORTED_MODEL_INPUT_FILE}") or ModelInput(self.image_shape)

    @property
    def labels(self) -> dict[int, str]:
        """The labels that it can draw, with their names; none without labels, or for a model of an older version.

        Raises:
          DataError: The file beside the model that names them is damaged.
        """
        return read_exported_labels(str(self.directory))

    @property
    def latent_dim(self) -> int:
        """Dimensions of a code."""
        return int(self.signatures[DECODE].inputs[LATENT].shape[1] or 0)

    @property
    def has_posterior(self) -> bool:
        """Whether codes are distributions, as a VAE's are."""
        return LATENT_LOG_VARIANCE in self.signatures[ENCODE].outputs

    @property
    def weights(self) -> int:
        """Number of weights, including the averages of batch normalisation."""
        shapes = [variable.shape for variable in self._functions[RECONSTRUCT].graph.variables]
        return sum(math.prod(shape.as_list()) for shape in shapes)

    def call(self, signature: str, **inputs: Any) -> dict[str, Array]:
        """Calls a signature.

        Args:
          signature: The name of the signature.
          inputs: By name, values that can be converted to tensors of the signature's types and shapes.

        Returns:
          The outputs by name.

        Raises:
          ValueError: An input is missing, or cannot be converted.
        """
        wanted = self.signatures[signature].inputs
        if inputs.keys() != wanted.keys():
            raise ValueError(f"{signature} takes {', '.join(wanted)}, not {', '.join(inputs)}.")
        tensors = {name: _converted(name, value, wanted[name]) for name, value in inputs.items()}
        return {name: output.numpy() for name, output in self._direct[signature](tensors).items()}


def _converted(name: str, value: Any, wanted: Tensor) -> Any:
    tensor = tf.constant(value, tf.dtypes.as_dtype(wanted.dtype))
    shape = tuple(tensor.shape)
    if len(shape) != len(wanted.shape) or any(size not in (None, own) for own, size in zip(shape, wanted.shape, strict=True)):
        raise ValueError(f"{name} has shape {shape}, not {wanted.shape}.")
    return tensor


def _describe(function: Any) -> Signature:
    return Signature(
        inputs={name: _tensor(spec) for name, spec in function.structured_input_signature[1].items()},
        outputs={name: _tensor(spec) for name, spec in function.structured_outputs.items()},
    )


def _tensor(spec: tf.TensorSpec) -> Tensor:
    return Tensor(spec.dtype.name, tuple(spec.shape.as_list()))
