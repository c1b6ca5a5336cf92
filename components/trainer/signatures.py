"""What an exported model answers: the signatures and the names of their inputs and outputs.

All are pure TensorFlow: a process with TensorFlow alone loads and calls them. An autoencoder and a variational autoencoder give
the same outputs under the same names, so that one Evaluator and one client serve both.
"""

from typing import Final

import tensorflow as tf
import tensorflow_transform as tft

from components.features import IMAGE, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS, SQUARED_ERROR
from components.models.autoencoder import Autoencoder
from components.models.latent_paths import linear_path
from components.models.objectives import Losses, per_example_losses
from components.models.prior import GaussianFit, sample
from components.trainer.input_data import PixelScale, image_shape

SERVING_DEFAULT: Final = "serving_default"
RECONSTRUCT: Final = "reconstruct"
ENCODE: Final = "encode"
DECODE: Final = "decode"
GENERATE: Final = "generate"
INTERPOLATE: Final = "interpolate"
EVALUATE: Final = "evaluate"

EXAMPLES: Final = "examples"
RECONSTRUCTION: Final = "reconstruction"
LATENT: Final = "latent"
LATENT_MEAN: Final = "latent_mean"
LATENT_LOG_VARIANCE: Final = "latent_log_variance"
SCORE: Final = "score"

_EVALUATION_BATCH = 64

_Outputs = dict[str, tf.Tensor]


class ExportedModel(tf.Module):
    """A trained model, its transform graph and its signatures."""

    def __init__(
        self,
        model: Autoencoder,
        transform_graph: tft.TFTransformOutput,
        scale: PixelScale,
        prior: GaussianFit | None,
        seed: int,
    ) -> None:
        """Gathers what the signatures need.

        Args:
          model: The trained model.
          transform_graph: What the training images went through; the signatures that take examples send them through it too.
          scale: How normalised pixels relate to pixels in [0, 1].
          prior: For an autoencoder, the Gaussian fitted to its training codes; None for a model with a prior of its own.
          seed: Fixes the posterior samples of `evaluate` and of the score.
        """
        super().__init__()
        self._model = model
        self._transform = transform_graph.transform_features_layer()
        self._raw_feature_spec = {IMAGE: transform_graph.raw_feature_spec()[IMAGE]}
        self._scale = scale
        self._prior = prior
        self._seed = seed
        self._image_shape = image_shape(transform_graph)

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete functions by signature name, ready for `tf.saved_model.save`."""
        examples = tf.TensorSpec([None], tf.string, name=EXAMPLES)
        latent = tf.TensorSpec([None, self._model.latent_dim], tf.float32, name=LATENT)
        images = {name: tf.TensorSpec([None, *self._image_shape], tf.float32, name=name) for name in (IMAGE, "start", "end")}
        functions = {
            SERVING_DEFAULT: (self.serve, (examples,)),
            RECONSTRUCT: (self.reconstruct, (images[IMAGE],)),
            ENCODE: (self.encode, (images[IMAGE],)),
            DECODE: (self.decode, (latent,)),
            GENERATE: (self.generate, (tf.TensorSpec([], tf.int32, name="count"), tf.TensorSpec([2], tf.int32, name="seed"))),
            INTERPOLATE: (self.interpolate, (images["start"], images["end"], tf.TensorSpec([], tf.int32, name="steps"))),
            EVALUATE: (self.evaluate, (examples,)),
        }
        return {
            name: tf.function(function, input_signature=spec).get_concrete_function()
            for name, (function, spec) in functions.items()
        }

    def serve(self, examples: tf.Tensor) -> _Outputs:
        """Serialized tf.Examples [N] with an encoded `image` to reconstructions, codes and scores.

        The score is the negative ELBO in nats per image, with the posterior sample that `evaluate` takes.
        """
        encoded, normalized = self._parse(examples)
        posterior = self._model.encode(normalized)
        return {
            RECONSTRUCTION: self._decode(posterior.mean),
            LATENT_MEAN: posterior.mean,
            SCORE: self._losses(encoded, normalized).negative_elbo,
        }

    def reconstruct(self, image: tf.Tensor) -> _Outputs:
        """Images [N, height, width, channels] in [0, 1] to the decoder's expectation at the posterior mean."""
        return {RECONSTRUCTION: self._decode(self._encode_mean(image))}

    def encode(self, image: tf.Tensor) -> _Outputs:
        """Images in [0, 1] to the posterior's mean [N, L] and, for a VAE, log variance [N, L]."""
        posterior = self._model.encode(self._scale.normalize(image))
        outputs = {LATENT_MEAN: posterior.mean}
        if posterior.log_variance is not None:
            outputs[LATENT_LOG_VARIANCE] = posterior.log_variance
        return outputs

    def decode(self, latent: tf.Tensor) -> _Outputs:
        """Codes [N, L] to images."""
        return {IMAGE: self._decode(latent)}

    def generate(self, count: tf.Tensor, seed: tf.Tensor) -> _Outputs:
        """`count` images drawn from the prior, the same for the same seed [2]."""
        noise = tf.random.stateless_normal([count, self._model.latent_dim], seed)
        return {IMAGE: self._decode(noise if self._prior is None else sample(self._prior, noise))}

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, steps: tf.Tensor) -> _Outputs:
        """Images [N, steps, height, width, channels] on the straight line between the codes of two images."""
        path = linear_path(self._encode_mean(start), self._encode_mean(end), steps)
        images = self._decode(tf.reshape(path, [-1, self._model.latent_dim]))
        return {IMAGE: tf.reshape(images, [-1, steps, *self._image_shape])}

    def evaluate(self, examples: tf.Tensor) -> _Outputs:
        """Serialized tf.Examples [N] to the losses of each, float32 [N], the same whatever batch an example is in."""
        losses = self._losses_in_equal_batches(*self._parse(examples))
        return {
            RECONSTRUCTION_LOSS: losses.reconstruction_loss,
            SQUARED_ERROR: losses.squared_error,
            KL_DIVERGENCE: losses.kl_divergence,
            NEGATIVE_ELBO: losses.negative_elbo,
        }

    def _parse(self, examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = tf.io.parse_example(examples, self._raw_feature_spec)
        normalized = self._transform(features)[IMAGE]
        return tf.reshape(features[IMAGE], [-1]), normalized

    def _encode_mean(self, image: tf.Tensor) -> tf.Tensor:
        return self._model.encode(self._scale.normalize(image)).mean

    def _decode(self, latent: tf.Tensor) -> tf.Tensor:
        return self._model.expected_image(self._model.decode(latent))

    def _losses(self, encoded: tf.Tensor, normalized: tf.Tensor) -> Losses:
        return per_example_losses(self._model, normalized, self._scale.denormalize(normalized), self._noise(encoded))

    def _losses_in_equal_batches(self, encoded: tf.Tensor, normalized: tf.Tensor) -> Losses:
        """The losses, computed in batches of one size.

        A matrix product of another size may be computed in another order, and then differs in the last bit. Beam chooses its
        batches by how fast they go, so a model's evaluation would depend on what else the machine did.
        """
        count = tf.shape(encoded)[0]
        padding = -count % _EVALUATION_BATCH
        encoded = tf.reshape(tf.pad(encoded, [[0, padding]], constant_values=""), [-1, _EVALUATION_BATCH])
        normalized = tf.reshape(
            tf.pad(normalized, [[0, padding], [0, 0], [0, 0], [0, 0]]), [-1, _EVALUATION_BATCH, *self._image_shape]
        )
        losses = tf.map_fn(
            lambda batch: self._losses(*batch),
            (encoded, normalized),
            fn_output_signature=Losses(*[tf.TensorSpec([_EVALUATION_BATCH], tf.float32)] * len(Losses._fields)),
        )
        return Losses(*(tf.reshape(loss, [-1])[:count] for loss in losses))

    def _noise(self, encoded: tf.Tensor) -> tf.Tensor:
        """One posterior sample's noise [N, L], a pure function of the image: the same however examples are batched."""
        seeds = tf.stack([tf.fill(tf.shape(encoded), tf.constant(self._seed, tf.int64)), _hash(encoded)], axis=1)
        return tf.map_fn(
            lambda seed: tf.random.stateless_normal([self._model.latent_dim], seed),
            seeds,
            fn_output_signature=tf.TensorSpec([self._model.latent_dim], tf.float32),
        )


def _hash(strings: tf.Tensor) -> tf.Tensor:
    return tf.strings.to_hash_bucket_fast(strings, 2**62)
