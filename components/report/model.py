"""An exported model as the report uses it: through its signatures, batch by batch."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2

from components.features import IMAGE
from components.trainer.signature_names import (
    DECODE,
    ENCODE,
    EVALUATE,
    GENERATE,
    LATENT,
    LATENT_LOG_VARIANCE,
    LATENT_MEAN,
    RECONSTRUCT,
    RECONSTRUCTION,
)

_BATCH: Final = 256


class Codes(NamedTuple):
    """What the encoder says about images.

    Attributes:
      mean: Posterior means, or an autoencoder's codes, float32 [N, L].
      log_variance: float32 [N, L]; None if the model has no posterior.
    """

    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32] | None

    def kl_divergence(self) -> NDArray[np.float64] | None:
        """From the standard normal distribution, nats of each dimension, [N, L]; Kingma & Welling, 2014, appendix B."""
        if self.log_variance is None:
            return None
        mean, log_variance = self.mean.astype(np.float64), self.log_variance.astype(np.float64)
        return 0.5 * (mean**2 + np.exp(log_variance) - 1.0 - log_variance)


class ReportedModel:
    """The signatures of a SavedModel, on arrays in batches of one size."""

    def __init__(self, directory: Path) -> None:
        """Loads the model.

        Args:
          directory: The SavedModel; all paths that TensorFlow reads will do.
        """
        self._directory = directory
        # What holds the variables has to live as long as its functions.
        self._loaded = tf.saved_model.load(str(directory))
        self._functions: Mapping[str, Any] = self._loaded.signatures

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        _, height, width, channels = self._functions[RECONSTRUCT].structured_input_signature[1][IMAGE].shape
        return height, width, channels

    @property
    def latent_dim(self) -> int:
        """Dimensions of a code."""
        return int(self._functions[DECODE].structured_input_signature[1][LATENT].shape[1])

    @property
    def has_posterior(self) -> bool:
        """Whether codes are distributions, as a VAE's are."""
        return LATENT_LOG_VARIANCE in self._functions[ENCODE].structured_outputs

    @property
    def weights(self) -> int:
        """Numbers that training may change, with the averages of batch normalisation."""
        shapes = [variable.shape for variable in self._functions[RECONSTRUCT].graph.variables]
        return int(sum(np.prod(shape.as_list()) for shape in shapes))

    @property
    def tensorflow_version(self) -> str:
        """That of the TensorFlow that wrote the model."""
        content = (self._directory / "saved_model.pb").read_bytes()
        saved = saved_model_pb2.SavedModel.FromString(content)
        return str(saved.meta_graphs[0].meta_info_def.tensorflow_version)

    def encode(self, images: NDArray[np.float32]) -> Codes:
        """Codes of images [N, height, width, channels] in [0, 1]."""
        parts = [self._functions[ENCODE](image=batch) for batch in _batches(images)]
        mean = np.concatenate([part[LATENT_MEAN].numpy() for part in parts])[: len(images)]
        if not self.has_posterior:
            return Codes(mean, None)
        return Codes(mean, np.concatenate([part[LATENT_LOG_VARIANCE].numpy() for part in parts])[: len(images)])

    def decode(self, latents: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Images of codes [N, L]."""
        return self._map(DECODE, LATENT, latents.astype(np.float32), IMAGE)

    def reconstruct(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images to their reconstructions, from the posterior mean."""
        return self._map(RECONSTRUCT, IMAGE, images, RECONSTRUCTION)

    def generate(self, count: int, seed: int) -> NDArray[np.float32]:
        """Images drawn from the prior."""
        drawn = self._functions[GENERATE](count=tf.constant(count), seed=tf.constant([seed, 0]))
        return np.asarray(drawn[IMAGE].numpy())

    def losses(self, examples: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
        """What the `evaluate` signature says about each serialized tf.Example, by the names of the losses."""
        parts = [
            {
                name: loss.numpy()
                for name, loss in self._functions[EVALUATE](tf.constant(examples[start : start + _BATCH])).items()
            }
            for start in range(0, len(examples), _BATCH)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _map(self, signature: str, argument: str, values: NDArray[np.float32], output: str) -> NDArray[np.float32]:
        parts = [self._functions[signature](**{argument: batch})[output].numpy() for batch in _batches(values)]
        return np.concatenate(parts)[: len(values)]


def _batches(values: NDArray[np.float32]) -> Iterator[tf.Tensor]:
    """Batches of one size, the last filled up with zeros: results of products of another size may differ in the last bit."""
    for start in range(0, len(values), _BATCH):
        batch = values[start : start + _BATCH]
        yield tf.constant(np.concatenate([batch, np.zeros((_BATCH - len(batch), *batch.shape[1:]), np.float32)]))
