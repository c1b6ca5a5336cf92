"""What a model is made of. Imports no TensorFlow, so that a configuration is checked in milliseconds."""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from components.settings import Section


class ModelKind(StrEnum):
    """Which model."""

    AE = "ae"
    """A deterministic code; the loss is the reconstruction loss alone."""

    VAE = "vae"
    """A Gaussian posterior over codes and a standard normal prior (Kingma & Welling, 2014)."""


class Network(StrEnum):
    """What the encoder and the decoder are built of."""

    DENSE = "dense"
    CONV = "conv"


class Likelihood(StrEnum):
    """The decoder's distribution over pixels."""

    BERNOULLI = "bernoulli"
    """Grey pixels in [0, 1] are read as probabilities: the loss is the cross-entropy."""

    GAUSSIAN = "gaussian"
    """A Gaussian density; `spread` says where its standard deviation comes from."""

    DISCRETIZED_LOGISTIC = "discretized_logistic"
    """A probability of each of the 256 levels of a pixel (Kingma et al., 2016; Salimans et al., 2017)."""


class Spread(StrEnum):
    """Where the scale of a pixel's distribution comes from: a Gaussian's standard deviation, a logistic's scale."""

    FIXED = "fixed"
    """From the configuration: `gaussian_stddev`."""

    SHARED = "shared"
    """Learned, one for all pixels (Rybkin et al., 2021)."""

    CHANNEL = "channel"
    """Learned, one for each channel."""

    IMAGE = "image"
    """Learned, one for each image: a function of its code."""

    PIXEL = "pixel"
    """Learned, one for each pixel and channel: functions of the code."""


class PriorKind(StrEnum):
    """The distribution from which new codes are drawn, p(z)."""

    STANDARD_NORMAL = "standard_normal"
    """N(0, I), as in training."""

    GAUSSIAN = "gaussian"
    """One Gaussian, fitted to the training codes after training."""

    MIXTURE = "mixture"
    """A mixture of Gaussians, fitted to the training codes after training (Ghosh et al., 2020)."""

    FLOW = "flow"
    """A normalizing flow of coupling layers, fitted to the training codes after training (Dinh et al., 2017)."""

    VAMP = "vamp"
    """The mean of the posteriors of learned pseudo-inputs, trained with the model (Tomczak & Welling, 2018)."""


FITTED_PRIORS: Final = frozenset({PriorKind.GAUSSIAN, PriorKind.MIXTURE, PriorKind.FLOW})
"""Those that do not exist before the codes."""


class Objective(StrEnum):
    """What training lowers."""

    ELBO = "elbo"
    """Reconstruction loss + beta * KL divergence (Kingma & Welling, 2014; Higgins et al., 2017)."""

    IWAE = "iwae"
    """Minus the importance-weighted bound on log p(x) (Burda et al., 2016)."""


class Precision(StrEnum):
    """What training multiplies matrices in."""

    AUTO = "auto"
    """bfloat16 where the machine is faster for it, float32 elsewhere."""

    FLOAT32 = "float32"

    BFLOAT16 = "bfloat16"
    """Products in bfloat16; weights, and all that is between two products, in float32 (Micikevicius et al., 2018)."""


class ModelConfig(Section):
    """An autoencoder or a variational autoencoder."""

    kind: ModelKind = ModelKind.VAE
    """`ae` or `vae`."""

    network: Network = Network.DENSE
    """The network of the encoder, and of the decoder unless `decoder_network` is set: `dense` or `conv`."""

    decoder_network: Network | None = None
    """`dense`, `conv`, or null for `network`. A dense encoder with a convolutional decoder gains most from an epoch."""

    hidden_units: tuple[PositiveInt, ...] = Field(default=(512, 512), min_length=1)
    """Widths of the encoder's dense layers (`dense`); a dense decoder mirrors them."""

    filters: tuple[PositiveInt, ...] = Field(default=(32, 64), min_length=1)
    """Filters of the encoder's stride-2 convolutions (`conv`); a convolutional decoder mirrors them."""

    decoder_units: tuple[PositiveInt, ...] = ()
    """Widths of dense layers between the code and the feature maps of a convolutional decoder."""

    residual_layers: NonNegativeInt = 0
    """Residual 3x3 convolutions on the smallest feature maps of a convolutional decoder (He et al., 2016)."""

    activation: str = "silu"
    """A Keras activation: `elu`, `gelu`, `leaky_relu`, `mish`, `relu`, `selu`, `sigmoid`, `silu`, `softplus` or `tanh`."""

    batch_normalization: bool = True
    """Batch normalisation between a layer and its activation."""

    latent_dim: PositiveInt = 32
    """Dimensions of the code."""

    likelihood: Likelihood = Likelihood.BERNOULLI
    """`bernoulli`, `gaussian`, or `discretized_logistic`, a probability of the 256 levels of each pixel, whose loss is a bound
    in bits per dimension."""

    gaussian_stddev: float = Field(default=0.1, gt=0)
    """Standard deviation of a pixel in [0, 1] under the Gaussian likelihood with the spread `fixed`."""

    spread: Spread | None = None
    """Standard deviation of a `gaussian`, or scale of a `discretized_logistic`: `fixed` is `gaussian_stddev`; the others are
    learned, one for all pixels (`shared`), for each `channel`, for each `image` or for each `pixel`, the last two as functions
    of the code (Rybkin et al., 2021). null is `fixed` for a `gaussian`, `pixel` for a `discretized_logistic`."""

    beta: float = Field(default=1.0, ge=0)
    """Weight of the KL divergence in the training objective (Higgins et al., 2017); an `ae` ignores it."""

    objective: Objective = Objective.ELBO
    """What training minimises: `elbo`, or `iwae`, the importance-weighted bound over `samples` codes (Burda et al., 2016)."""

    samples: PositiveInt = 1
    """Codes drawn for each image in training. The decoder's work grows with them."""

    prior: PriorKind | None = None
    """The distribution from which new images are drawn: `standard_normal`; `gaussian`, `mixture` or `flow`, fitted to the
    training codes after training; or `vamp`, which a `vae` is trained with (all others are trained with N(0, I)). null:
    `standard_normal` for a `vae`, `gaussian` for an `ae`. Losses are those of the model with its prior."""

    prior_components: PositiveInt = 100
    """Gaussians in a `mixture`, at most: each needs 10 codes for each latent dimension, and an image of a `vae` gives two. For
    `vamp` the number of pseudo-inputs."""

    precision: Precision = Precision.AUTO
    """Precision of matrix products in training: `float32`, `bfloat16` (faster with AVX512_BF16, AMX or an accelerator, much
    slower without), or `auto`, the faster of the two on this machine. The exported model always computes in float32."""

    @property
    def resolved_prior(self) -> PriorKind:
        """The prior, also where the configuration leaves it to the kind of the model."""
        if self.prior is not None:
            return self.prior
        return PriorKind.STANDARD_NORMAL if self.kind is ModelKind.VAE else PriorKind.GAUSSIAN

    @property
    def resolved_spread(self) -> Spread | None:
        """The spread, also where the configuration leaves it to the likelihood; None if the likelihood has none."""
        match self.likelihood:
            case Likelihood.BERNOULLI:
                return None
            case Likelihood.GAUSSIAN:
                return self.spread or Spread.FIXED
            case Likelihood.DISCRETIZED_LOGISTIC:
                return self.spread or Spread.PIXEL

    @field_validator("activation")
    @classmethod
    def _is_known(cls, name: str) -> str:
        known = ("elu", "gelu", "leaky_relu", "mish", "relu", "selu", "sigmoid", "silu", "softplus", "tanh")
        if name not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return name

    @model_validator(mode="after")
    def _spread_fits_the_likelihood(self) -> Self:
        if self.likelihood is Likelihood.BERNOULLI and self.spread is not None:
            raise ValueError("likelihood bernoulli has no spread: set spread to null, or likelihood to gaussian")
        if self.likelihood is Likelihood.GAUSSIAN and self.spread is Spread.PIXEL:
            raise ValueError(
                "likelihood gaussian has no spread pixel, because the density of a pixel that hardly varies has no limit: set "
                "spread to image, channel or shared, or likelihood to discretized_logistic"
            )
        if self.likelihood is Likelihood.DISCRETIZED_LOGISTIC and self.spread is Spread.FIXED:
            raise ValueError(
                "likelihood discretized_logistic has no spread fixed: set spread to pixel, image, channel or shared"
            )
        return self

    @model_validator(mode="after")
    def _objective_fits_the_model(self) -> Self:
        if self.kind is ModelKind.AE and (self.objective is Objective.IWAE or self.samples > 1):
            raise ValueError("kind ae has one code an image: set objective to elbo and samples to 1, or kind to vae")
        if self.kind is ModelKind.AE and self.prior is PriorKind.VAMP:
            raise ValueError("prior vamp is made of posteriors, which kind ae has not: set prior to mixture, or kind to vae")
        if self.objective is Objective.IWAE and self.beta != 1.0:
            raise ValueError(f"objective iwae has no weight of the KL divergence: set beta to 1 (it is {self.beta:g})")
        return self
