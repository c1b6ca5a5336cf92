"""How a model is trained."""

from enum import StrEnum

from pydantic import Field, PositiveInt

from components.settings import Section


class Schedule(StrEnum):
    """How the learning rate goes over the whole training."""

    COSINE = "cosine"
    """From `learning_rate` to zero along half a cosine (Loshchilov & Hutter, 2017)."""

    CONSTANT = "constant"


class TrainerConfig(Section):
    """The optimiser, its schedule, and when to stop."""

    epochs: PositiveInt = 30
    """Passes over the training split, at most."""

    batch_size: PositiveInt = 256
    """Images a step."""

    learning_rate: float = Field(default=3e-3, gt=0, le=1)
    """Adam's learning rate at the start."""

    schedule: Schedule = Schedule.COSINE
    """`cosine` or `constant`."""

    kl_warmup_epochs: int = Field(default=0, ge=0)
    """Epochs over which the weight of the KL divergence rises from 0 to `model.beta` (Bowman et al., 2016)."""

    early_stopping_patience: PositiveInt | None = 10
    """Epochs without a better eval loss after which training stops; null never stops early."""

    jit_compile: bool = False
    """Compile training with XLA: faster for dense networks, after some seconds of compilation; slow for convolutions."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Fixes initial weights, the order of the images and the noise: the same seed on the same machine gives the same model."""
