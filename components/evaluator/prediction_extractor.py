"""Calls further signatures after `evaluate`: binarised losses, importance-weighted bounds, samples from the prior.

Samples are then compared with the images, all with all, so that each image has a value, and a label has a mean of them.

The stock Evaluator calls one signature, with the examples only. Values that take more time, or need a parameter from the
configuration, have separate signatures. The extractor here calls them after `evaluate`, and only for the wanted number of
images. If a model does not have such a signature (an autoencoder, or an older baseline), the metrics leave it out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.api.types import EvalSharedModel, Extracts
from tensorflow_model_analysis.extractors.extractor import Extractor
from tensorflow_model_analysis.utils import util
from tensorflow_model_analysis.utils.model_util import DoFnWithModels
from threadpoolctl import threadpool_limits

from components.artifacts.feature_classifier import FeatureClassifier
from components.artifacts.features import IMAGE, IW_NLL
from components.artifacts.metrics import COVERAGE, DENSITY
from components.artifacts.signature_names import (
    EVALUATE_BINARIZED,
    EVALUATE_IW_NLL,
    EVALUATE_IW_NLL_BINARIZED,
    EVALUATE_SAMPLES,
    EXAMPLES,
    PIXELS,
    SAMPLE,
    SAMPLES,
)
from components.evaluator.sample import image_hash
from components.evaluator.sample_metrics import IMAGE_FEATURES, SAMPLE_FEATURES
from components.models.image_quality import neighbourhoods

BINARIZED = "binarized/"


class Questions(NamedTuple):
    """The values that are needed in addition to `evaluate`."""

    binarized: bool = False
    """Whether to compute the losses of binarised images."""

    iw_samples: int = 0
    """Number of codes for the importance-weighted bound; 0 for no bound."""

    iw_images: int = 0
    """Maximum number of images to compute the bound for."""

    classifier: str = ""
    """Directory of the classifier that computes features of images and samples; empty for none."""

    compared_images: int = 0
    """Maximum number of images that samples are compared with."""


def further_predictions(models: Sequence[EvalSharedModel], questions: Questions) -> Extractor:
    """An extractor that adds to the predictions of `models`; it must follow TFMA's own extractor of predictions."""
    return Extractor(
        stage_name="ExtractFurtherPredictions",
        ptransform=_AskFurther(models, questions),  # type: ignore[no-untyped-call, unused-ignore]  # Beam has no types
    )


class _AskFurther(beam.PTransform):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Finds the images with the lowest hashes, and calls the signatures for them."""

    def __init__(self, models: Sequence[EvalSharedModel], questions: Questions) -> None:
        super().__init__()
        self._models = models
        self._questions = questions

    def expand(self, extracts: beam.PCollection) -> beam.PCollection:
        limit = max(self._questions.iw_images, self._questions.compared_images, 1)
        lowest = extracts | "HashImages" >> beam.FlatMap(_hashes) | "LowestHashes" >> beam.combiners.Top.Smallest(limit)
        ask = _Ask({model.model_name: model for model in self._models}, self._questions)
        asked = extracts | "Ask" >> beam.ParDo(ask, beam.pvalue.AsSingleton(lowest))
        if not self._questions.classifier:
            return asked
        names = [model.model_name for model in self._models]
        compared = (
            asked | "Features" >> beam.FlatMap(_features, names) | beam.combiners.ToList() | "Compare" >> beam.Map(_compare)
        )
        return asked | "AddNeighbourhoods" >> beam.Map(_add_neighbourhoods, names, beam.pvalue.AsSingleton(compared))


class _Ask(DoFnWithModels):  # type: ignore[misc, unused-ignore]  # TFMA has no types
    """Adds the outputs of the further signatures to a batch."""

    def __init__(self, models: Mapping[str, EvalSharedModel], questions: Questions) -> None:
        super().__init__({name: model.model_loader for name, model in models.items()})
        self._questions = questions

    def setup(self) -> None:
        """Loads the models, once for each worker."""
        super().setup()
        self._classifier = FeatureClassifier.load(self._questions.classifier) if self._questions.classifier else None

    def process(self, extracts: Extracts, lowest_hashes: Sequence[int]) -> Iterator[Extracts]:
        """Adds to the predictions of a batch.

        Args:
          extracts: A batch of examples and their predictions.
          lowest_hashes: The lowest hashes of all images, in order.
        """
        hashes = np.array(list(_hashes(extracts)), np.int64)
        examples = np.asarray(extracts[constants.INPUT_KEY], object).reshape(-1)
        said = _predictions(extracts, list(self._loaded_models))
        predictions = {
            name: {**said[name], **dict(self._answers(model.signatures, examples, hashes, lowest_hashes))}
            for name, model in self._loaded_models.items()
        }
        yield _with_predictions(extracts, predictions)

    def _answers(
        self, signatures: Mapping[str, Any], examples: NDArray[np.object_], hashes: NDArray[np.int64], lowest: Sequence[int]
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        ask = self._questions
        if ask.binarized and EVALUATE_BINARIZED in signatures:
            for loss, values in signatures[EVALUATE_BINARIZED](examples=tf.constant(examples, tf.string)).items():
                yield f"{BINARIZED}{loss}", values.numpy()
        if ask.iw_samples:
            chosen = _among(hashes, lowest, ask.iw_images)
            asked = _at_least_one(chosen)
            arguments = {EXAMPLES: tf.constant(examples[asked], tf.string), SAMPLES: tf.constant(ask.iw_samples)}
            if EVALUATE_IW_NLL in signatures:
                yield IW_NLL, _spread(signatures[EVALUATE_IW_NLL](**arguments)[IW_NLL].numpy(), asked, chosen)
            if ask.binarized and EVALUATE_IW_NLL_BINARIZED in signatures:
                answer = signatures[EVALUATE_IW_NLL_BINARIZED](**arguments)[IW_NLL].numpy()
                yield f"{BINARIZED}{IW_NLL}", _spread(answer, asked, chosen)
        if self._classifier is not None and EVALUATE_SAMPLES in signatures:
            chosen = _among(hashes, lowest, ask.compared_images)
            asked = _at_least_one(chosen)
            images = signatures[EVALUATE_SAMPLES](examples=tf.constant(examples[asked], tf.string))
            yield IMAGE_FEATURES, _spread(self._classifier.features(images[PIXELS]), asked, chosen)
            yield SAMPLE_FEATURES, _spread(self._classifier.features(images[SAMPLE]), asked, chosen)


class _Features(NamedTuple):
    """Of the chosen images of a batch, and of the samples paired with them."""

    model: str
    hashes: NDArray[np.int64]
    images: NDArray[np.float32]
    samples: NDArray[np.float32]


def _features(extracts: Extracts, models: Sequence[str]) -> Iterator[_Features]:
    hashes = np.array(list(_hashes(extracts)), np.int64)
    for name, said in _predictions(extracts, models).items():
        if IMAGE_FEATURES in said:
            images, samples = (np.asarray(said[key], np.float32) for key in (IMAGE_FEATURES, SAMPLE_FEATURES))
            known = np.isfinite(images).all(axis=1) & np.isfinite(samples).all(axis=1)
            yield _Features(name, hashes[known], images[known], samples[known])


def _compare(batches: Sequence[_Features]) -> dict[str, dict[int, tuple[float, float]]]:
    """For each model and the hash of each image, whether a sample covers it, and the density of samples there."""
    compared = {}
    for name in {batch.model for batch in batches}:
        hashes, images, samples = (
            np.concatenate(parts) for parts in zip(*(batch[1:] for batch in batches if batch.model == name), strict=True)
        )
        with threadpool_limits(1):  # two threads take more CPU seconds, and on a busy machine no fewer by the clock
            around = neighbourhoods(images, samples)
        compared[name] = dict(zip(hashes.tolist(), zip(*around, strict=True), strict=True))
    return compared


def _add_neighbourhoods(
    extracts: Extracts, models: Sequence[str], compared: Mapping[str, Mapping[int, tuple[float, float]]]
) -> Extracts:
    """Adds both to the predictions of a batch, NaN for the images that were not chosen."""
    predictions = _predictions(extracts, models)
    for name in compared:
        found = [compared[name].get(image, (np.nan, np.nan)) for image in _hashes(extracts)]
        values = dict(zip((COVERAGE, DENSITY), np.array(found, np.float32).reshape(-1, 2).T, strict=True))
        predictions = {**predictions, name: {**predictions[name], **values}}
    return _with_predictions(extracts, predictions)


def _predictions(extracts: Extracts, models: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The predictions by model: TFMA has no level for the model's name if there is only one model."""
    said = extracts[constants.PREDICTIONS_KEY]
    return {name: said if len(models) == 1 else said[name] for name in models}


def _with_predictions(extracts: Extracts, predictions: Mapping[str, Mapping[str, Any]]) -> Extracts:
    [*_, last] = predictions.values()
    return util.copy_and_set_by_keys(extracts, [constants.PREDICTIONS_KEY], last if len(predictions) == 1 else predictions)


def _among(hashes: NDArray[np.int64], lowest: Sequence[int], count: int) -> NDArray[np.bool_]:
    """Which images are among the `count` images with the lowest hashes."""
    return hashes <= lowest[min(count, len(lowest)) - 1]


def _at_least_one(chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The chosen examples, or the first one if none is chosen: signatures are never called with an empty batch."""
    return chosen if chosen.any() else np.arange(len(chosen)) == 0


def _spread(answers: NDArray[np.float32], asked: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The answers at the positions of the chosen examples, NaN elsewhere: TFMA needs a value for each example."""
    spread = np.full((len(chosen), *answers.shape[1:]), np.nan, np.float32)
    spread[asked] = answers
    spread[~chosen] = np.nan
    return spread


def _hashes(extracts: Extracts) -> Iterable[int]:
    return (image_hash(encoded) for encoded in np.asarray(extracts[constants.FEATURES_KEY][IMAGE], object).flat)
