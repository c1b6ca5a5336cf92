"""The signatures of an exported model, and one warm-up request to each of them.

All signatures are pure TensorFlow: a process that has only TensorFlow can load and call them. An autoencoder and a variational
autoencoder give the same outputs under the same names, so that one Evaluator and one client serve both.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.artifacts.features import IMAGE, LABEL
from components.artifacts.images import image_shape
from components.artifacts.signature_names import (
    COUNT,
    DECODE,
    ENCODE,
    END,
    EXAMPLES,
    GENERATE,
    GENERATE_AT_TEMPERATURE,
    GENERATE_LABELLED,
    INTERPOLATE,
    LATENT,
    LATENT_LOG_VARIANCE,
    LATENT_MEAN,
    RECONSTRUCT,
    RECONSTRUCTION,
    SAMPLES,
    SCORE,
    SEED,
    SERVING_DEFAULT,
    START,
    STEPS,
    TEMPERATURE,
)
from components.artifacts.warmup import RecordedRequest
from components.models.autoencoder import Autoencoder
from components.models.labelled_mixtures import LabelledMixtures
from components.models.latent_space import linear_path
from components.models.prior import Prior
from components.trainer.evaluation_signatures import EvaluationSignatures, ExampleParser, Outputs
from components.trainer.input_data import PixelScale

WARMUP_IMAGES: Final = 4
"""The number of images in a warm-up request, at most."""

_WARMUP_STEPS: Final = 5
_WARMUP_SAMPLES: Final = 8
_WARMUP_TEMPERATURE: Final = 0.5

Signatures = dict[str, tf.types.experimental.ConcreteFunction]


class ExportedModel:
    """A trained model, its transform graph and its signatures."""

    def __init__(
        self,
        model: Autoencoder,
        transform_graph: tft.TFTransformOutput,
        scale: PixelScale,
        prior: Prior,
        seed: int,
        by_label: LabelledMixtures | None = None,
    ) -> None:
        """Keeps what the signatures need.

        Args:
          model: The trained model.
          transform_graph: The graph that produced the training images. Signatures that take examples pass them through it too.
          scale: The relation of normalised pixels to pixels in [0, 1].
          prior: Of the model.
          seed: Fixes all noise of the evaluation and of the score.
          by_label: Where codes of each label are drawn; None without labels.
        """
        self._model = model
        self._parse = ExampleParser(transform_graph)
        self._scale = scale
        self._prior = prior
        self._by_label = by_label
        self._evaluation = EvaluationSignatures(model, self._parse, scale, prior, seed)
        self._image_shape = image_shape(transform_graph)

    def save(self, directory: str) -> Signatures:
        """Writes the SavedModel.

        TensorFlow Serving restores the variables of the objects below the saved one. With a Keras model among these objects the
        graph has each variable twice, and TensorFlow Serving does not restore the one that the functions read
        (keras-team/keras#20095; TensorFlow's loader in Python does). So the saved object has the variables themselves.

        Args:
          directory: Directory of the SavedModel.

        Returns:
          The concrete functions by signature name.
        """
        signatures = self._signatures()
        root = tf.Module()
        read = {id(variable) for function in signatures.values() for variable in function.variables}
        # In the order of the model, because it decides their names; the order of the functions differs between processes.
        # No function reads pseudo-inputs, but a later training can start from them.
        read.add(id(getattr(self._model.pseudo_inputs, "value", None)))
        root.variables_read = [weight.value for weight in self._model.weights if id(weight.value) in read]
        # None, unless the prior was fitted.
        root.prior = self._prior if isinstance(self._prior, tf.Module) else None
        root.by_label = self._by_label
        root.parse = self._parse
        tf.saved_model.save(root, directory, signatures=signatures)
        return signatures

    def _signatures(self) -> Signatures:
        examples = tf.TensorSpec([None], tf.string, name=EXAMPLES)
        latent = tf.TensorSpec([None, self._model.latent_dim], tf.float32, name=LATENT)
        images = {name: tf.TensorSpec([None, *self._image_shape], tf.float32, name=name) for name in (IMAGE, START, END)}
        count, seed = tf.TensorSpec([], tf.int32, name=COUNT), tf.TensorSpec([2], tf.int32, name=SEED)
        temperature = tf.TensorSpec([], tf.float32, name=TEMPERATURE)
        functions = {
            SERVING_DEFAULT: (self.serve, (examples,)),
            RECONSTRUCT: (self.reconstruct, (images[IMAGE],)),
            ENCODE: (self.encode, (images[IMAGE],)),
            DECODE: (self.decode, (latent,)),
            GENERATE: (self.generate, (count, seed)),
            GENERATE_AT_TEMPERATURE: (self.generate_at_temperature, (count, seed, temperature)),
            INTERPOLATE: (self.interpolate, (images[START], images[END], tf.TensorSpec([], tf.int32, name=STEPS))),
            **self._evaluation.functions(),
        }
        if self._by_label is not None:
            label = tf.TensorSpec([], tf.int64, name=LABEL)
            functions[GENERATE_LABELLED] = (self.generate_labelled, (count, seed, label, temperature))
        # No control flow depends on tensors. To find that out, AutoGraph would take as long as all the tracing.
        return {
            name: tf.function(function, input_signature=spec, autograph=False).get_concrete_function()
            for name, (function, spec) in functions.items()
        }

    def serve(self, examples: tf.Tensor) -> Outputs:
        """Serialized tf.Examples [N] with an encoded `image` to reconstructions, codes and scores.

        The score is the negative ELBO in nats per image, with the posterior sample of `evaluate`.
        """
        images = self._parse(examples)
        posterior = self._model.encode(images.normalized)
        return {
            RECONSTRUCTION: self._decode(posterior.mean),
            LATENT_MEAN: posterior.mean,
            SCORE: self._evaluation.losses(images).negative_elbo,
        }

    def reconstruct(self, image: tf.Tensor) -> Outputs:
        """Images [N, height, width, channels] in [0, 1] to the decoder's expected image at the posterior mean."""
        return {RECONSTRUCTION: self._decode(self._encode_mean(image))}

    def encode(self, image: tf.Tensor) -> Outputs:
        """Images in [0, 1] to the mean [N, L] and, for a VAE, the log variance [N, L] of the posterior."""
        posterior = self._model.encode(self._scale.normalize(image))
        outputs = {LATENT_MEAN: posterior.mean}
        if posterior.log_variance is not None:
            outputs[LATENT_LOG_VARIANCE] = posterior.log_variance
        return outputs

    def decode(self, latent: tf.Tensor) -> Outputs:
        """Codes [N, L] to images."""
        return {IMAGE: self._decode(latent)}

    def generate(self, count: tf.Tensor, seed: tf.Tensor) -> Outputs:
        """`count` images drawn from the prior; the same seed [2] gives the same images."""
        return self.generate_at_temperature(count, seed, tf.constant(1.0))

    def generate_at_temperature(self, count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> Outputs:
        """As `generate`, where the temperature, at least 0, multiplies the noise that the prior makes codes of.

        The component of a mixture is drawn as ever; its covariance is scaled by the square of the temperature.
        """
        return {IMAGE: self._decode(self._prior.sample(*self._draw(count, seed, temperature)))}

    def generate_labelled(self, count: tf.Tensor, seed: tf.Tensor, label: tf.Tensor, temperature: tf.Tensor) -> Outputs:
        """As `generate_at_temperature`, drawn from the codes of the training images with a label."""
        assert self._by_label is not None
        return {IMAGE: self._decode(self._by_label.sample(*self._draw(count, seed, temperature), label))}

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, steps: tf.Tensor) -> Outputs:
        """Images [N, steps, height, width, channels] on the straight line between the codes of each two images."""
        path = linear_path(self._encode_mean(start), self._encode_mean(end), steps)
        images = self._decode(tf.reshape(path, [-1, self._model.latent_dim]))
        return {IMAGE: tf.reshape(images, [-1, steps, *self._image_shape])}

    def _draw(self, count: tf.Tensor, seed: tf.Tensor, temperature: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The noise and the choice that a prior makes codes of."""
        is_allowed = tf.debugging.Assert(temperature >= 0.0, ["The temperature must be at least 0, not", temperature])
        with tf.control_dependencies([is_allowed]):
            noise = temperature * tf.random.stateless_normal([count, self._model.latent_dim], seed)
        # A seed of its own, so that the component does not depend on the place in it.
        return noise, tf.random.stateless_uniform([count], tf.random.experimental.stateless_fold_in(seed, 1))

    def _encode_mean(self, image: tf.Tensor) -> tf.Tensor:
        return self._model.encode(self._scale.normalize(image)).mean

    def _decode(self, latent: tf.Tensor) -> tf.Tensor:
        return self._model.expected_image(self._model.decode(latent))


def warmup_requests(signatures: Mapping[str, Any], pixels: tf.Tensor, label: int = 0) -> Iterator[RecordedRequest]:
    """Calls each signature once.

    Args:
      signatures: The concrete functions that were exported, by name.
      pixels: Real images, float32 [N, height, width, channels] in [0, 1]; the first four are taken.
      label: One that the model can draw; does not matter if it can draw none.
    """
    inputs = _warmup_inputs(pixels[:WARMUP_IMAGES], label, signatures[ENCODE])
    for name, function in signatures.items():
        own = {spec.name: inputs[spec.name] for spec in tf.nest.flatten(function.structured_input_signature)}
        yield RecordedRequest(name, _arrays(own), _arrays(function(**own)))


def _arrays(tensors: Mapping[str, tf.Tensor]) -> dict[str, NDArray[Any]]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def _warmup_inputs(pixels: tf.Tensor, label: int, encode: Any) -> dict[str, tf.Tensor]:
    """By name, every input that a signature may have."""
    # Scaled as Transform does it, so that `examples` and `image` hold the same images.
    grey_levels = tf.cast(tf.round(pixels * 255.0), tf.uint8)
    image = tf.cast(grey_levels, tf.float32) * (1.0 / 255.0)
    return {
        EXAMPLES: tf.stack([_raw_example(levels) for levels in grey_levels]),
        IMAGE: image,
        START: image,
        END: tf.reverse(image, axis=[0]),
        STEPS: tf.constant(_WARMUP_STEPS),
        LATENT: encode(image)[LATENT_MEAN],
        COUNT: tf.constant(len(pixels)),
        SEED: tf.constant([0, 0]),
        SAMPLES: tf.constant(_WARMUP_SAMPLES),
        TEMPERATURE: tf.constant(_WARMUP_TEMPERATURE),
        LABEL: tf.constant(label, tf.int64),
    }


def _raw_example(grey_levels: tf.Tensor) -> bytes:
    """An example as it is before Transform, serialized; its PNG holds exactly the pixels of the transformed image."""
    example = tf.train.Example()
    example.features.feature[IMAGE].bytes_list.value.append(tf.io.encode_png(grey_levels).numpy())
    return example.SerializeToString()
