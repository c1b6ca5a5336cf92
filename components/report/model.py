"""An exported model as the report uses it: through its signatures, batch by batch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2

from components.artifacts.features import IMAGE
from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import (
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


class ReportedModel(LoadedModel):
    """The signatures of a SavedModel, on arrays in batches of one size."""

    @property
    def tensorflow_version(self) -> str:
        """That of the TensorFlow that wrote the model."""
        content = (self.directory / "saved_model.pb").read_bytes()
        saved = saved_model_pb2.SavedModel.FromString(content)
        return str(saved.meta_graphs[0].meta_info_def.tensorflow_version)

    def encode(self, images: NDArray[np.float32]) -> Codes:
        """Codes of images [N, height, width, channels] in [0, 1]."""
        codes = self._map(ENCODE, IMAGE, images)
        return Codes(codes[LATENT_MEAN], codes.get(LATENT_LOG_VARIANCE))

    def decode(self, latents: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Images of codes [N, L]."""
        return self._map(DECODE, LATENT, latents.astype(np.float32))[IMAGE]

    def reconstruct(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images to their reconstructions, from the posterior mean."""
        return self._map(RECONSTRUCT, IMAGE, images)[RECONSTRUCTION]

    def generate(self, count: int, seed: int) -> NDArray[np.float32]:
        """Images drawn from the prior."""
        return self.call(GENERATE, count=count, seed=[seed, 0])[IMAGE]

    def losses(self, examples: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
        """What the `evaluate` signature says about each serialized tf.Example, by the names of the losses."""
        batches = [examples[start : start + _BATCH] for start in range(0, len(examples), _BATCH)]
        return _joined([self.call(EVALUATE, examples=batch) for batch in batches])

    def _map(self, signature: str, argument: str, values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        parts = [self.call(signature, **{argument: batch}) for batch in _batches(values)]
        return {name: output[: len(values)] for name, output in _joined(parts).items()}


def _batches(values: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Batches of one size, the last filled up with zeros: results of products of another size may differ in the last bit."""
    for start in range(0, len(values), _BATCH):
        batch = values[start : start + _BATCH]
        yield np.concatenate([batch, np.zeros((_BATCH - len(batch), *batch.shape[1:]), np.float32)])


def _joined(parts: Sequence[Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
