"""The signatures that the Evaluator asks: what a model says about each example, the same whenever it is asked.

All randomness is drawn from the bytes of the image, and everything is computed in batches of one size, or for each image alone.
`evaluate` says what every evaluation needs; the others are asked where the configuration wants what they are for. Those with
`binarized` in their name are about binary images drawn from the grey ones, once and for all, as in published figures; a
Gaussian likelihood, a density of grey values, has none.
"""

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from components.artifacts.features import IW_NLL, KL_PER_DIMENSION, LOSSES, SSIM
from components.artifacts.signature_names import (
    EVALUATE,
    EVALUATE_BINARIZED,
    EVALUATE_IW_NLL,
    EVALUATE_IW_NLL_BINARIZED,
    EVALUATE_SAMPLES,
    EXAMPLES,
    LATENT_LOG_VARIANCE,
    LATENT_MEAN,
    LATENT_SAMPLE,
    PIXELS,
    SAMPLE,
    SAMPLES,
)
from components.models.autoencoder import Autoencoder
from components.models.config import Likelihood, ModelKind
from components.models.importance import log_importance_weights
from components.models.objectives import Losses, per_example_losses
from components.models.prior import GaussianFit, sample
from components.models.structural_similarity import structural_similarity
from components.trainer.equal_batches import in_equal_batches
from components.trainer.example_parser import ExampleParser, ParsedImages
from components.trainer.image_noise import ImageNoise, Stream
from components.trainer.input_data import PixelScale

# Codes of one image that are decoded at once.
_CODES_AT_ONCE = 256

Outputs = dict[str, tf.Tensor]


class EvaluationSignatures:
    """What the Evaluator asks of a trained model."""

    def __init__(
        self, model: Autoencoder, parse: ExampleParser, scale: PixelScale, prior: GaussianFit | None, seed: int
    ) -> None:
        """Gathers what the signatures need.

        Args:
          model: The trained model.
          parse: Gives its images.
          scale: How normalised pixels relate to pixels in [0, 1].
          prior: For an autoencoder, the Gaussian fitted to its training codes; None for a model with a prior of its own.
          seed: Fixes all noise.
        """
        self._model = model
        self._parse = parse
        self._scale = scale
        self._prior = prior
        self._noise = ImageNoise(seed)

    def functions(self) -> dict[str, tuple[Callable[..., Outputs], tuple[tf.TensorSpec, ...]]]:
        """Each signature's function and the types of its arguments; only those that the model has an answer to."""
        examples = tf.TensorSpec([None], tf.string, name=EXAMPLES)
        samples = tf.TensorSpec([], tf.int32, name=SAMPLES)
        functions: dict[str, tuple[Callable[..., Outputs], tuple[tf.TensorSpec, ...]]] = {
            EVALUATE: (self.evaluate, (examples,)),
            EVALUATE_SAMPLES: (self.evaluate_samples, (examples,)),
        }
        is_binary = self._model.config.likelihood is Likelihood.BERNOULLI
        if is_binary:
            functions[EVALUATE_BINARIZED] = (self.evaluate_binarized, (examples,))
        if self._model.config.kind is ModelKind.VAE:
            functions[EVALUATE_IW_NLL] = (self.evaluate_iw_nll, (examples, samples))
            if is_binary:
                functions[EVALUATE_IW_NLL_BINARIZED] = (self.evaluate_iw_nll_binarized, (examples, samples))
        return functions

    def losses(self, images: ParsedImages) -> Losses:
        """The losses of each image, with the same noise as in `evaluate`, all in one batch."""
        return per_example_losses(
            self._model, images.normalized, self._scale.denormalize(images.normalized), self._posterior_noise(images.encoded)
        )

    def evaluate(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to the losses of each, its code, and how like its reconstruction it is.

        Returns:
          float32 [N]: the losses of `LOSSES`, and `ssim`, of the reconstruction from the posterior mean.
          float32 [N, L]: `latent_mean`; `latent_log_variance`, of a VAE; `latent_sample`, drawn from the posterior;
          `kl_per_dimension`, nats.
        """
        latent = [LATENT_MEAN, LATENT_SAMPLE, KL_PER_DIMENSION]
        if self._model.config.kind is ModelKind.VAE:
            latent.append(LATENT_LOG_VARIANCE)
        shapes: dict[str, Sequence[int]] = {name: [] for name in (*LOSSES, SSIM)}
        return in_equal_batches(
            self._describe, self._parse(examples), shapes | {name: [self._model.latent_dim] for name in latent}
        )

    def evaluate_binarized(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to the losses of their binarised images, float32 [N]; the encoder sees those too."""
        images = self._binarized(self._parse(examples))
        return in_equal_batches(
            lambda *batch: self.losses(ParsedImages(*batch))._asdict(), images, {name: [] for name in LOSSES}
        )

    def evaluate_iw_nll(self, examples: tf.Tensor, samples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to minus the importance-weighted bound on log p(x) from `samples` codes: float32 [N].

        Infinite where it is not a number.
        """
        return {IW_NLL: self._iw_nll(self._parse(examples), samples)}

    def evaluate_iw_nll_binarized(self, examples: tf.Tensor, samples: tf.Tensor) -> Outputs:
        """The same for binarised images."""
        return {IW_NLL: self._iw_nll(self._binarized(self._parse(examples)), samples)}

    def evaluate_samples(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to their `pixels`, and as many images drawn from the prior, `sample`.

        An image and the sample beside it have nothing to do with each other, but that its bytes are the sample's seed.

        Returns:
          float32 [N, height, width, channels] in [0, 1], both.
        """
        images = self._parse(examples)
        noise = self._noise.normal(images.encoded, [self._model.latent_dim], Stream.PRIOR)
        codes = tf.ensure_shape(noise if self._prior is None else sample(self._prior, noise), [None, self._model.latent_dim])
        decoded = in_equal_batches(
            lambda batch: {SAMPLE: self._expected_image(batch)}, [codes], {SAMPLE: self._model.image_shape}
        )
        return {PIXELS: self._scale.denormalize(images.normalized), **decoded}

    def _describe(self, encoded: tf.Tensor, normalized: tf.Tensor) -> Outputs:
        images = ParsedImages(encoded, normalized)
        posterior = self._model.encode(normalized)
        outputs = {
            **self.losses(images)._asdict(),
            SSIM: structural_similarity(self._scale.denormalize(normalized), self._expected_image(posterior.mean)),
            LATENT_MEAN: posterior.mean,
            LATENT_SAMPLE: self._model.sample_code(posterior, self._posterior_noise(encoded)),
            KL_PER_DIMENSION: self._model.kl_divergence(posterior),
        }
        return outputs if posterior.log_variance is None else {**outputs, LATENT_LOG_VARIANCE: posterior.log_variance}

    def _iw_nll(self, images: ParsedImages, samples: tf.Tensor) -> tf.Tensor:
        """Each image by itself, so that memory does not grow with how many there are."""
        return tf.map_fn(
            lambda image: self._iw_nll_of_one(ParsedImages(*(values[tf.newaxis] for values in image)), samples),
            tuple(images),
            fn_output_signature=tf.TensorSpec([], tf.float32),
        )

    def _iw_nll_of_one(self, image: ParsedImages, samples: tf.Tensor) -> tf.Tensor:
        noise = self._noise.normal(image.encoded, tf.stack([samples, self._model.latent_dim]), Stream.IMPORTANCE)
        noise = tf.reshape(noise, [-1, 1, self._model.latent_dim])
        pixels = self._scale.denormalize(image.normalized)

        def log_sum_of_weights(start: tf.Tensor) -> tf.Tensor:
            log_weights = log_importance_weights(self._model, image.normalized, pixels, noise[start : start + _CODES_AT_ONCE])
            return tf.reduce_logsumexp(log_weights)

        log_sums = tf.map_fn(
            log_sum_of_weights, tf.range(0, samples, _CODES_AT_ONCE), fn_output_signature=tf.TensorSpec([], tf.float32)
        )
        nll = tf.math.log(tf.cast(samples, tf.float32)) - tf.reduce_logsumexp(log_sums)
        return tf.where(tf.math.is_nan(nll), math.inf, nll)

    def _binarized(self, images: ParsedImages) -> ParsedImages:
        """Binary images whose pixels are on with the probability that the grey pixel is (Salakhutdinov & Murray, 2008)."""
        pixels = self._scale.denormalize(images.normalized)
        uniform = self._noise.uniform(images.encoded, list(self._model.image_shape), Stream.BINARIZATION)
        return ParsedImages(images.encoded, self._scale.normalize(tf.cast(uniform < pixels, tf.float32)))

    def _posterior_noise(self, encoded: tf.Tensor) -> tf.Tensor:
        noise = self._noise.normal(encoded, [self._model.latent_dim], Stream.POSTERIOR)
        return tf.ensure_shape(noise, [None, self._model.latent_dim])

    def _expected_image(self, latent: tf.Tensor) -> tf.Tensor:
        return self._model.expected_image(self._model.decode(latent))
