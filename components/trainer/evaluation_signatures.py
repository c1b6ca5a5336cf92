"""The signatures that the Evaluator calls: values for each example, the same at every call.

All noise depends only on the bytes of the image. Everything is computed in batches of one size, or for each image separately.
Every evaluation calls `evaluate`; the configuration decides about the others. Signatures with `binarized` in their name draw
one binary image from each grey one, the same at every call, as published figures do. Only a model with a Bernoulli likelihood
has them: the others describe grey values.
"""

import math
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from components.artifacts.features import BITS_PER_DIMENSION, IMAGE, IW_NLL, KL_PER_DIMENSION, LOSSES, SSIM
from components.artifacts.images import in_equal_batches
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
from components.models.config import Likelihood
from components.models.distributions import bits_per_dimension
from components.models.image_quality import structural_similarity
from components.models.objectives import Losses, log_importance_weights, per_example_losses
from components.models.prior import Prior
from components.trainer.input_data import PixelScale

# Codes that are decoded together, of one image or of several.
_CODES_AT_ONCE = 256
Outputs = dict[str, tf.Tensor]


class ParsedImages(NamedTuple):
    """The images of a batch of examples."""

    encoded: tf.Tensor
    """string [N]: PNG or JPEG bytes, as in the examples."""

    normalized: tf.Tensor
    """float32 [N, height, width, channels]: what the encoder sees."""


class ExampleParser(tf.Module):
    """Parses raw tf.Examples, and passes their images through the transform graph."""

    def __init__(self, transform_graph: tft.TFTransformOutput) -> None:
        """Reads the graph.

        Args:
          transform_graph: The graph that produced the training images.
        """
        super().__init__()
        self._transform = transform_graph.transform_features_layer()
        self._raw_feature_spec = {IMAGE: transform_graph.raw_feature_spec()[IMAGE]}

    def __call__(self, examples: tf.Tensor) -> ParsedImages:
        """Parses serialized tf.Examples, string [N]."""
        features = tf.io.parse_example(examples, self._raw_feature_spec)
        normalized = self._transform(features)[IMAGE]
        return ParsedImages(tf.reshape(features[IMAGE], [-1]), normalized)


class Stream(IntEnum):
    """What noise is used for; each purpose has its own noise."""

    POSTERIOR = 0
    BINARIZATION = 1
    IMPORTANCE = 2
    PRIOR = 3
    PRIOR_CHOICE = 4


class ImageNoise:
    """Draws noise that depends only on the bytes of each image, not on the order or the batches of images."""

    def __init__(self, seed: int) -> None:
        """Fixes the noise.

        Args:
          seed: At least 0, below 2^31.
        """
        self._seed = seed

    def normal(self, encoded: tf.Tensor, shape: tf.Tensor | list[int], stream: Stream) -> tf.Tensor:
        """Standard normal noise for each image: float32 [N, *shape].

        Args:
          encoded: Bytes of the images, string [N].
          shape: Shape of the noise of one image.
          stream: What the noise is used for.
        """
        return tf.map_fn(
            lambda seed: tf.random.stateless_normal(shape, seed), self._seeds(encoded, stream), fn_output_signature=tf.float32
        )

    def uniform(self, encoded: tf.Tensor, shape: tf.Tensor | list[int], stream: Stream) -> tf.Tensor:
        """Noise in [0, 1) for each image: float32 [N, *shape]."""
        return tf.map_fn(
            lambda seed: tf.random.stateless_uniform(shape, seed), self._seeds(encoded, stream), fn_output_signature=tf.float32
        )

    def _seeds(self, encoded: tf.Tensor, stream: Stream) -> tf.Tensor:
        hashes = tf.strings.to_hash_bucket_fast(encoded, 2**62)
        key = tf.constant(self._seed + stream * 2**32, tf.int64)
        return tf.stack([tf.fill(tf.shape(hashes), key), hashes], axis=1)


class EvaluationSignatures:
    """The functions of a trained model that the Evaluator calls."""

    def __init__(self, model: Autoencoder, parse: ExampleParser, scale: PixelScale, prior: Prior, seed: int) -> None:
        """Keeps what the signatures need.

        Args:
          model: The trained model.
          parse: Reads the images of examples.
          scale: How normalised pixels relate to pixels in [0, 1].
          prior: Of the model.
          seed: Fixes all noise.
        """
        self._model = model
        self._parse = parse
        self._scale = scale
        self._prior = prior
        self._noise = ImageNoise(seed)
        self._has_bits_per_dimension = model.has_posterior and model.describes_levels

    def functions(self) -> dict[str, tuple[Callable[..., Outputs], tuple[tf.TensorSpec, ...]]]:
        """Each signature's function and the types of its arguments; only signatures that the model has."""
        examples = tf.TensorSpec([None], tf.string, name=EXAMPLES)
        samples = tf.TensorSpec([], tf.int32, name=SAMPLES)
        functions: dict[str, tuple[Callable[..., Outputs], tuple[tf.TensorSpec, ...]]] = {
            EVALUATE: (self.evaluate, (examples,)),
            EVALUATE_SAMPLES: (self.evaluate_samples, (examples,)),
        }
        is_binary = self._model.config.likelihood is Likelihood.BERNOULLI
        if is_binary:
            functions[EVALUATE_BINARIZED] = (self.evaluate_binarized, (examples,))
        if self._model.has_posterior:
            functions[EVALUATE_IW_NLL] = (self.evaluate_iw_nll, (examples, samples))
            if is_binary:
                functions[EVALUATE_IW_NLL_BINARIZED] = (self.evaluate_iw_nll_binarized, (examples, samples))
        return functions

    def losses(self, images: ParsedImages) -> Losses:
        """The losses of each image, with the noise of `evaluate`, computed in one batch."""
        return per_example_losses(
            self._model,
            images.normalized,
            self._scale.denormalize(images.normalized),
            self._posterior_noise(images.encoded),
            prior=self._prior,
        )

    def evaluate(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to the losses and the code of each, and its similarity to its reconstruction.

        Returns:
          float32 [N]: the losses of `LOSSES`, `ssim` with the reconstruction from the posterior mean, and
          `bits_per_dimension`, if the model is a VAE of images with 256 levels.
          float32 [N, L]: `latent_mean`; `latent_log_variance`, for a VAE; `latent_sample`, drawn from the posterior;
          `kl_per_dimension`, in nats, from N(0, I) for every prior.
        """
        latent = [LATENT_MEAN, LATENT_SAMPLE, KL_PER_DIMENSION]
        if self._model.has_posterior:
            latent.append(LATENT_LOG_VARIANCE)
        scalars = [*LOSSES, SSIM, *([BITS_PER_DIMENSION] if self._has_bits_per_dimension else [])]
        shapes: dict[str, Sequence[int]] = {name: [] for name in scalars}
        return in_equal_batches(
            self._describe, self._parse(examples), shapes | {name: [self._model.latent_dim] for name in latent}
        )

    def evaluate_binarized(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to the losses of their binarised images, float32 [N]; the encoder sees these too."""
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
        """As `evaluate_iw_nll`, for binarised images."""
        return {IW_NLL: self._iw_nll(self._binarized(self._parse(examples)), samples)}

    def evaluate_samples(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] to their `pixels`, and as many images drawn from the prior, `sample`.

        The bytes of an image seed the sample at the same index; apart from that they are independent.

        Returns:
          float32 [N, height, width, channels] in [0, 1], both.
        """
        images = self._parse(examples)
        noise = self._noise.normal(images.encoded, [self._model.latent_dim], Stream.PRIOR)
        choice = self._noise.uniform(images.encoded, [], Stream.PRIOR_CHOICE)
        codes = tf.ensure_shape(self._prior.sample(noise, choice), [None, self._model.latent_dim])
        decoded = in_equal_batches(
            lambda batch: {SAMPLE: self._expected_image(batch)}, [codes], {SAMPLE: self._model.image_shape}
        )
        return {PIXELS: self._scale.denormalize(images.normalized), **decoded}

    def _describe(self, encoded: tf.Tensor, normalized: tf.Tensor) -> Outputs:
        images = ParsedImages(encoded, normalized)
        posterior = self._model.encode(normalized)
        losses = self.losses(images)
        outputs = {
            **losses._asdict(),
            SSIM: structural_similarity(self._scale.denormalize(normalized), self._expected_image(posterior.mean)),
            LATENT_MEAN: posterior.mean,
            LATENT_SAMPLE: self._model.sample_code(posterior, self._posterior_noise(encoded)),
            KL_PER_DIMENSION: self._model.kl_divergence(posterior),
        }
        if posterior.log_variance is not None:
            outputs[LATENT_LOG_VARIANCE] = posterior.log_variance
        if self._has_bits_per_dimension:
            outputs[BITS_PER_DIMENSION] = bits_per_dimension(losses.negative_elbo, self._model.image_shape)
        return outputs

    def _iw_nll(self, images: ParsedImages, samples: tf.Tensor) -> tf.Tensor:
        """Computes a few images at a time, so that memory does not grow with the number of images."""

        def of_some(encoded: tf.Tensor, normalized: tf.Tensor) -> Outputs:
            return {IW_NLL: self._iw_nll_of_some(ParsedImages(encoded, normalized), samples)}

        return in_equal_batches(of_some, images, {IW_NLL: []}, tf.maximum(1, _CODES_AT_ONCE // samples))[IW_NLL]

    def _iw_nll_of_some(self, images: ParsedImages, samples: tf.Tensor) -> tf.Tensor:
        noise = self._noise.normal(images.encoded, tf.stack([samples, self._model.latent_dim]), Stream.IMPORTANCE)
        noise = tf.ensure_shape(tf.transpose(noise, [1, 0, 2]), [None, None, self._model.latent_dim])
        pixels = self._scale.denormalize(images.normalized)

        def log_sums_of_weights(start: tf.Tensor) -> tf.Tensor:
            some = noise[start : start + _CODES_AT_ONCE]
            return tf.reduce_logsumexp(
                log_importance_weights(self._model, images.normalized, pixels, some, prior=self._prior), 0
            )

        log_sums = tf.map_fn(
            log_sums_of_weights, tf.range(0, samples, _CODES_AT_ONCE), fn_output_signature=tf.TensorSpec([None], tf.float32)
        )
        nll = tf.math.log(tf.cast(samples, tf.float32)) - tf.reduce_logsumexp(log_sums, axis=0)
        return tf.where(tf.math.is_nan(nll), math.inf, nll)

    def _binarized(self, images: ParsedImages) -> ParsedImages:
        """Binary images: the grey value of a pixel is its probability of being 1 (Salakhutdinov & Murray, 2008)."""
        pixels = self._scale.denormalize(images.normalized)
        uniform = self._noise.uniform(images.encoded, list(self._model.image_shape), Stream.BINARIZATION)
        return ParsedImages(images.encoded, self._scale.normalize(tf.cast(uniform < pixels, tf.float32)))

    def _posterior_noise(self, encoded: tf.Tensor) -> tf.Tensor:
        noise = self._noise.normal(encoded, [self._model.latent_dim], Stream.POSTERIOR)
        return tf.ensure_shape(noise, [None, self._model.latent_dim])

    def _expected_image(self, latent: tf.Tensor) -> tf.Tensor:
        return self._model.expected_image(self._model.decode(latent))
