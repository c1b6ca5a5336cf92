"""The configuration of the training, and all that the pipeline tells the Trainer."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, PositiveInt, model_validator

from components.artifacts.features import Binarization
from components.artifacts.tuning import with_settings
from components.models.config import FITTED_PRIORS, ModelConfig, ModelKind
from components.settings import Section


class Schedule(StrEnum):
    """The learning rate over the whole training, after the warm-up."""

    COSINE = "cosine"
    """From `learning_rate` to zero along half a cosine (Loshchilov & Hutter, 2017)."""

    LINEAR = "linear"
    """From `learning_rate` to zero along a straight line."""

    CONSTANT = "constant"


class Distribution(StrEnum):
    """Which devices train together. Each computes its share of every batch; the result is that of one device."""

    NONE = "none"
    """One device."""

    MIRRORED = "mirrored"
    """All GPUs of this machine."""

    MULTI_WORKER = "multi_worker"
    """All processes in the environment variable TF_CONFIG, each with all its GPUs."""


class WarmStart(StrEnum):
    """Which weights a training starts from."""

    NONE = "none"
    """Random ones."""

    CHAMPION = "champion"
    """Those of the champion, if it has the same architecture."""


class AugmentationConfig(Section):
    """Random transformations of training images. Each number except `share` is a standard deviation."""

    share: float = Field(default=0.0, ge=0, le=1)
    """Fraction of a batch that is transformed; 0 transforms nothing."""

    fade: bool = True
    """Lower the share linearly to 0, so that training ends on the original images."""

    rotation_degrees: float = Field(default=5.0, ge=0)
    """Rotation about the centre."""

    shear: float = Field(default=0.1, ge=0)
    """Shear along the rows."""

    scale: float = Field(default=0.05, ge=0)
    """Scale of width and height, drawn separately."""


class TrainerConfig(Section):
    """The optimiser, its schedule, and when to stop."""

    epochs: PositiveInt = 45
    """Most passes over the training split."""

    batch_size: PositiveInt = 256
    """Images per step, on all devices together."""

    learning_rate: float = Field(default=4e-3, gt=0, le=1)
    """Adam's highest learning rate."""

    prior_epochs: int = Field(default=0, ge=0)
    """More epochs, for a `vae` with the prior `gaussian`, `mixture` or `flow`: the prior is fitted, the model is trained with
    it in place of N(0, I), without augmentation and early stopping, and the prior is fitted again."""

    prior_learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """Adam's highest learning rate in `prior_epochs`."""

    schedule: Schedule = Schedule.LINEAR
    """Course of the learning rate after the warm-up: `cosine`, `linear` or `constant`."""

    warmup_fraction: float = Field(default=0.05, ge=0, lt=1)
    """Fraction of all steps in which the learning rate rises to `learning_rate`."""

    adam_beta_2: float = Field(default=0.99, gt=0, lt=1)
    """Decay of Adam's average of squared gradients."""

    kl_warmup_epochs: int = Field(default=0, ge=0)
    """Epochs in which the weight of the KL divergence rises from 0 to `model.beta` (Bowman et al., 2016)."""

    augmentation: AugmentationConfig = AugmentationConfig()

    early_stopping_patience: PositiveInt | None = 10
    """Epochs without a better eval loss after which training stops; null never stops early."""

    jit_compile: bool = False
    """Compile training with XLA. It slows down a CPU, above all its convolutions (benchmarks/README.md); a GPU may gain."""

    distribution: Distribution = Distribution.NONE
    """Devices that train together: `none` is one, `mirrored` all GPUs of this machine, `multi_worker` those of `workers`
    processes, or of all machines in the environment variable TF_CONFIG."""

    workers: PositiveInt = 1
    """Processes that train one model together. From 2 on the Trainer starts them on its machine, whose GPUs they share; on
    Kubeflow each is a step of its own."""

    memory_limit_gb: float = Field(default=2.0, ge=0)
    """Largest split to keep in memory, in gigabytes (2^30) of float32 pixels; reading it takes twice that for a moment. A
    larger split is read from disk in every epoch."""

    warm_start: WarmStart = WarmStart.NONE
    """Weights that the training starts from: `none` are random ones, `champion` those of the champion if it has the same
    architecture; else the log says why it starts afresh."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Determines initial weights, the order of the images and the noise: one seed gives one model on one machine."""

    @model_validator(mode="after")
    def _can_be_compiled(self) -> Self:
        if self.jit_compile and (self.distribution is not Distribution.NONE or self.workers > 1):
            raise ValueError(
                "jit_compile compiles for one device only: set it to false, or distribution to none and workers to 1"
            )
        if self.jit_compile and self.augmentation.share > 0:
            raise ValueError("jit_compile cannot compile the augmentation: set it to false, or augmentation.share to 0")
        return self

    @model_validator(mode="after")
    def _can_be_shared(self) -> Self:
        if self.batch_size % self.workers:
            raise ValueError(f"batch_size is {self.batch_size}, which {self.workers} workers cannot share: set a multiple")
        return self


class CustomConfig(Section):
    """All that the pipeline tells the Trainer in addition to its input artifacts: `custom_config`, which TFX stores as JSON.

    `components.artifacts.training_settings` reads what the Trainer of any version of this project was told.
    """

    model: ModelConfig
    trainer: TrainerConfig
    binarization: Binarization
    checkpoint_dir: str
    """Each training has a directory of checkpoints below this one until it ends."""

    source_digest: str = ""
    """Digest of the code that trains, so that it is part of the cache key."""

    @model_validator(mode="after")
    def _has_a_prior_to_train_with(self) -> Self:
        check_prior_epochs(self.trainer, self.model)
        return self

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The same with other values of some settings, by dotted key, as YAML has them: `{"model.latent_dim": 8}`.

        Raises:
          ValidationError: There is no such setting, or a value is not allowed.
        """
        return type(self).model_validate_json(json.dumps(with_settings(self.model_dump(mode="json"), settings)), strict=True)


def check_prior_epochs(trainer: TrainerConfig, model: ModelConfig) -> None:
    """Raises ValueError if `trainer.prior_epochs` needs another model."""
    if trainer.prior_epochs and (model.kind is not ModelKind.VAE or model.resolved_prior not in FITTED_PRIORS):
        raise ValueError(
            f"prior_epochs is {trainer.prior_epochs}, which needs a vae with a fitted prior, and the model is of kind "
            f"{model.kind} with the prior {model.resolved_prior}: set it to 0, or model.kind to vae and model.prior to mixture"
        )
