"""Says aloud that a posterior collapses: that the model stops using its code."""

import logging
import math

from components.artifacts.history import Epoch

_LOGGER = logging.getLogger("tfx_vae.trainer")
_FEWEST_ACTIVE = 0.1
# The first epoch may look like a collapse and recover.
_GRACE_EPOCHS = 1


class CollapseWatch:
    """Warns, once a training, that hardly any latent dimension says anything about the image."""

    def __init__(self, latent_dim: int, beta: float, warmup_epochs: int) -> None:
        """Makes a watch.

        Args:
          latent_dim: Latent dimensions of the model.
          beta: The weight of the KL divergence; without it nothing can collapse.
          warmup_epochs: Epochs before that weight is reached.
        """
        self._latent_dim = latent_dim
        self._needed = math.ceil(_FEWEST_ACTIVE * latent_dim)
        self._first_epoch = max(warmup_epochs, _GRACE_EPOCHS) + 1
        self._is_watching = beta > 0

    def look_at(self, epoch: Epoch) -> None:
        """Warns if fewer than a tenth of the latent dimensions are active."""
        if self._is_watching and epoch.epoch >= self._first_epoch and epoch.active_units < self._needed:
            self._is_watching = False
            _LOGGER.warning(
                "The posterior collapses: after epoch %d, %d of %d latent dimensions are active, with a KL divergence of %.2f "
                "nats. A lower model.beta, or trainer.kl_warmup_epochs, may keep the code in use.",
                epoch.epoch,
                epoch.active_units,
                self._latent_dim,
                epoch.eval.kl_divergence,
            )
