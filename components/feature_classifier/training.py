"""A small convolutional classifier and its training."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.artifacts.feature_classifier import FEATURES
from components.artifacts.images import in_equal_batches
from components.artifacts.model_input import ImageShape, ModelInput, prepare_images
from components.models.networks import layer_seeds
from components.progress import Progress, report

FEATURE_COUNT = 64
_EPOCHS = 3
_BATCH = 128
_LEARNING_RATE = 2e-3
_SEED = 0
_FILTERS = (16, 32, 64)
# Convolutions have a stride of 2 until a side is at most this long.
_SMALLEST_SIDE = 7


class LabelledImages(NamedTuple):
    """Encoded images and their labels."""

    encoded: NDArray[np.object_]
    """PNG or JPEG bytes [N]."""

    labels: NDArray[np.int64]
    """[N]."""


def train_classifier(images: LabelledImages, model_input: ModelInput) -> keras.Model:
    """Minimises the cross-entropy with Adam.

    The same images give the same classifier, bit for bit, on the same number of processor cores.

    Args:
      images: Images of at least two labels.
      model_input: What the model takes.

    Returns:
      A model from float32 [N, height, width, channels] in [0, 1] to logits, float32 [N, labels]; its layer `features` has 64
      units.
    """
    classes = np.unique(images.labels)
    model = build_classifier(model_input.shape, len(classes))
    model.compile(
        keras.optimizers.Adam(_LEARNING_RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    records = tf.data.Dataset.from_tensor_slices((images.encoded.tolist(), np.searchsorted(classes, images.labels)))
    batches = (
        records.shuffle(len(images.labels), seed=_SEED)
        .batch(_BATCH)
        .map(lambda encoded, label: (prepare_images(encoded, model_input), label), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    model.fit(batches, epochs=_EPOCHS, verbose=0, callbacks=[_ProgressReport()])
    return model


def build_classifier(shape: ImageShape, classes: int) -> keras.Model:
    """The untrained network: convolutions with strides, a layer of features, a layer of logits."""
    seeds = layer_seeds(_SEED, "classifier")
    image = keras.Input(tuple(shape), name="image")
    maps = image
    for number, filters in enumerate(_FILTERS):
        strides = 2 if min(maps.shape[1:3]) > _SMALLEST_SIDE else 1
        maps = keras.layers.Conv2D(
            filters,
            kernel_size=3,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeUniform(next(seeds)),
            name=f"convolution_{number + 1}",
        )(maps)
    while max(maps.shape[1:3]) > _SMALLEST_SIDE:
        maps = keras.layers.MaxPooling2D(padding="same")(maps)
    flat = keras.layers.Flatten()(maps)
    initializer = keras.initializers.HeUniform(next(seeds))
    features = keras.layers.Dense(FEATURE_COUNT, "relu", kernel_initializer=initializer, name=FEATURES)(flat)
    logits = keras.layers.Dense(classes, kernel_initializer=keras.initializers.GlorotUniform(next(seeds)), name="logits")(
        features
    )
    return keras.Model(image, logits, name="classifier")


def accuracy(model: keras.Model, images: LabelledImages, classes: NDArray[np.int64], model_input: ModelInput) -> float:
    """The share of images to which the classifier gives the right label, in [0, 1].

    Args:
      model: The result of `train_classifier`.
      images: Images that it was not trained on.
      classes: The labels that it was trained on, in order.
      model_input: As for `train_classifier`.
    """
    batches = tf.data.Dataset.from_tensor_slices(images.encoded.tolist()).batch(_BATCH)
    logits = np.concatenate([model(prepare_images(batch, model_input), training=False).numpy() for batch in batches])
    return float((classes[logits.argmax(axis=1)] == images.labels).mean())


class FeatureExtractor(tf.Module):
    """The exported part of a classifier."""

    def __init__(self, model: keras.Model, shape: ImageShape) -> None:
        """Removes the logits.

        Args:
          model: A classifier.
          shape: Height, width and channels of an image.
        """
        super().__init__()
        self._model = keras.Model(model.inputs, model.get_layer(FEATURES).output)
        self._shape = tuple(shape)

    def save(self, directory: str) -> None:
        """Writes a SavedModel with the signature `features`: images in [0, 1] to float32 [N, 64]."""
        spec = tf.TensorSpec([None, *self._shape], tf.float32, name="image")
        function = tf.function(self._features, input_signature=[spec]).get_concrete_function()
        tf.saved_model.save(self, directory, signatures={FEATURES: function})

    def _features(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return in_equal_batches(lambda batch: {FEATURES: self._model(batch)}, [image], {FEATURES: [FEATURE_COUNT]})


class _ProgressReport(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]  # Keras has no types
    """Reports the progress of the training."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras after an epoch."""
        figures = {"training accuracy": (logs or {}).get("accuracy", float("nan"))}
        report(Progress("training a classifier", epoch + 1, _EPOCHS, "epochs", figures))
