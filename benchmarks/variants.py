"""Experiments that are not settings, for `variant:` in benchmarks/recipes.yaml: each replaces a part of the training."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unittest import mock

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

    from components.models.autoencoder import Autoencoder
    from components.models.objectives import Losses, PosteriorSamples
    from components.trainer.config import TrainerConfig
    from components.trainer.training_loop import TrainingLoop

_FREE_NATS: Final = 0.1
_SQUARED_ERROR_STDDEV: Final = 0.3
_AVERAGE_DECAY: Final = 0.999
_STATISTICS_BATCHES: Final = 40


def _nothing(model: "Autoencoder", loop: "TrainingLoop", digits: "np.ndarray") -> None:
    """Does not change the model."""


class Variant(NamedTuple):
    """A change of the training.

    Attributes:
      replaces: A context that replaces a part; it is active during the whole training.
      finish: Called with the model after the training.
    """

    replaces: Callable[[], AbstractContextManager[Any]] = nullcontext
    finish: Callable[["Autoencoder", "TrainingLoop", "np.ndarray"], None] = _nothing


def variant(name: str | None) -> Variant:
    """The variant of this name in a recipe; without a name, no change.

    Raises:
      KeyError: there is no such variant.
    """
    return Variant() if name is None else _VARIANTS[name]


def _with_optimizer(build: Callable[..., Any]) -> AbstractContextManager[Any]:
    """Another optimiser with the same learning-rate schedule.

    Args:
      build: makes the optimiser from a learning rate and Adam's second decay.
    """
    from components.trainer import training_loop
    from components.trainer.optimizer import build_schedule

    def build_optimizer(config: "TrainerConfig", steps_per_epoch: int) -> Any:
        return build(build_schedule(config, steps_per_epoch), config.adam_beta_2)

    return mock.patch.object(training_loop, "build_optimizer", build_optimizer)


def _lion() -> AbstractContextManager[Any]:
    """Chen et al., 2023, "Symbolic Discovery of Optimization Algorithms"."""
    import keras

    return _with_optimizer(lambda rate, beta_2: keras.optimizers.Lion(rate, beta_2=beta_2))


def _muon() -> AbstractContextManager[Any]:
    """Jordan et al., 2024; Liu et al., 2025, "Muon is Scalable for LLM Training"; Adam for convolutions and the outputs."""
    import keras

    return _with_optimizer(
        lambda rate, beta_2: keras.optimizers.Muon(
            rate,
            adam_beta_2=beta_2,
            weight_decay=None,
            adam_weight_decay=None,
            exclude_layers=["mean", "log_variance", "pixels"],
        )
    )


def _averaging() -> AbstractContextManager[Any]:
    """An exponential moving average of the weights (Polyak & Juditsky, 1992), which `_use_average` uses."""
    from components.trainer.optimizer import FusedAdam

    return _with_optimizer(lambda rate, beta_2: FusedAdam(rate, beta_2=beta_2, use_ema=True, ema_momentum=_AVERAGE_DECAY))


def _use_average(model: "Autoencoder", loop: "TrainingLoop", digits: "np.ndarray") -> None:
    """Sets the averaged weights, and recomputes the statistics of batch normalisation with them (Izmailov et al., 2018)."""
    import tensorflow as tf

    loop.optimizer.finalize_variable_values(model.trainable_variables)
    for start in range(_STATISTICS_BATCHES):
        images = digits[start * 256 : (start + 1) * 256]
        posterior = model.encode(images, training=True)
        noise = tf.random.stateless_normal([len(images), model.latent_dim], [start, 0])
        model.decode(model.sample_code(posterior, noise), training=True)


def _layer_normalization() -> AbstractContextManager[Any]:
    """Layer normalisation (Ba et al., 2016) instead of batch normalisation."""
    import keras

    from components.models import networks

    return mock.patch.object(
        networks, "BatchNormalization", lambda momentum, name: keras.layers.LayerNormalization(epsilon=1e-3, name=name)
    )


def _free_bits() -> AbstractContextManager[Any]:
    """Free bits (Kingma et al., 2016, equation 15): the mean KL divergence of a dimension counts at least this many nats."""
    import tensorflow as tf

    from components.models.distributions import kl_divergence
    from components.trainer import training_loop

    def objective(_: Any, losses: "Losses", samples: "PosteriorSamples", beta: Any, __: Any) -> "tf.Tensor":
        posterior = samples.posterior
        by_dimension = tf.reduce_mean(kl_divergence(posterior.mean, posterior.log_variance), axis=0)
        return losses.reconstruction_loss + beta * tf.reduce_sum(tf.maximum(by_dimension, _FREE_NATS))

    return mock.patch.object(training_loop, "training_objective", objective)


def _squared_error() -> AbstractContextManager[Any]:
    """A Gaussian likelihood in training; the evaluation uses the Bernoulli likelihood, as for all models."""
    import tensorflow as tf

    from components.models.distributions import BernoulliPixels, GaussianPixels

    def log_likelihood(_: Any, pixels: "tf.Tensor", parameters: "tf.Tensor") -> "tf.Tensor":
        return GaussianPixels(_SQUARED_ERROR_STDDEV).log_likelihood(pixels, tf.sigmoid(parameters))

    return mock.patch.object(BernoulliPixels, "log_likelihood", log_likelihood)


_VARIANTS: Final = {
    "lion": Variant(_lion),
    "muon": Variant(_muon),
    "averaged weights": Variant(_averaging, _use_average),
    "layer normalisation": Variant(_layer_normalization),
    "free bits": Variant(_free_bits),
    "squared error": Variant(_squared_error),
}
