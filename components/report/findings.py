"""Reads the artifacts of a run, the exported model and the data, once for all sections."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import path_utils

from components.artifacts.data_verdict import PIXELS_FILE, SENTENCES_FILE, PixelSummary, SplitPixels
from components.artifacts.dataset import DATASET, DATASET_VERSION
from components.artifacts.drift import DriftSummary, read_summary
from components.artifacts.drift_verdict import DriftArrays, read_arrays
from components.artifacts.evaluation import Evaluation, read_evaluation
from components.artifacts.features import IMAGE, LABEL, SPLITS, TEST, TRAIN
from components.artifacts.history import History, read_history
from components.artifacts.images import Images, read_images
from components.artifacts.infra_blessing import REFUSAL
from components.artifacts.labels import shared_label_names
from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import (
    DECODE,
    ENCODE,
    EVALUATE,
    GENERATE,
    LATENT,
    LATENT_LOG_VARIANCE,
    LATENT_MEAN,
    RECONSTRUCT,
    RECONSTRUCTION,
)
from components.artifacts.tuning import Tuning, read_best_settings, read_tuning, with_settings
from components.report import properties
from components.report.config import ReportConfig
from components.report.provenance import Provenance

_TRAINING_IMAGES = 1000

_ENCODED_AT_ONCE = 1024

_BATCH: Final = 256


# Where StatisticsGen writes each split; its own constants would import TensorFlow Data Validation.
_STATISTICS_FILE = "FeatureStats.pb"


class Codes(NamedTuple):
    """Codes of images.

    Attributes:
      mean: Posterior means, or an autoencoder's codes, float32 [N, L].
      log_variance: float32 [N, L]; None if the model has no posterior.
    """

    mean: NDArray[np.float32]
    log_variance: NDArray[np.float32] | None

    def kl_divergence(self) -> NDArray[np.float64] | None:
        """KL divergence from the standard normal distribution, nats of each dimension, [N, L].

        Kingma & Welling, 2014, appendix B. None if the model has no posterior.
        """
        if self.log_variance is None:
            return None
        mean, log_variance = self.mean.astype(np.float64), self.log_variance.astype(np.float64)
        return 0.5 * (mean**2 + np.exp(log_variance) - 1.0 - log_variance)


class ReportedModel(LoadedModel):
    """A SavedModel whose signatures are called with batches of one size."""

    @property
    def tensorflow_version(self) -> str:
        """The version of TensorFlow that wrote the model."""
        content = (self.directory / "saved_model.pb").read_bytes()
        saved = saved_model_pb2.SavedModel.FromString(content)
        return str(saved.meta_graphs[0].meta_info_def.tensorflow_version)

    def encode(self, images: NDArray[np.float32]) -> Codes:
        """Codes of images [N, height, width, channels] in [0, 1]."""
        codes = self._map(ENCODE, IMAGE, images)
        return Codes(codes[LATENT_MEAN], codes.get(LATENT_LOG_VARIANCE))

    def decode(self, latents: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Images of codes [N, L]."""
        return self._map(DECODE, LATENT, latents.astype(np.float32))[IMAGE]

    def reconstruct(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reconstructions of images from the posterior mean."""
        return self._map(RECONSTRUCT, IMAGE, images)[RECONSTRUCTION]

    def generate(self, count: int, seed: int) -> NDArray[np.float32]:
        """Images sampled from the prior."""
        return self.call(GENERATE, count=count, seed=[seed, 0])[IMAGE]

    def losses(self, examples: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
        """The output of the `evaluate` signature for each serialized tf.Example, by the names of the losses."""
        batches = [examples[start : start + _BATCH] for start in range(0, len(examples), _BATCH)]
        return _joined([self.call(EVALUATE, examples=batch) for batch in batches])

    def _map(self, signature: str, argument: str, values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        parts = [self.call(signature, **{argument: batch}) for batch in _batches(values)]
        return {name: output[: len(values)] for name, output in _joined(parts).items()}


@dataclass(frozen=True)
class DataSummary:
    """The data, as the components before the Trainer describe it.

    Attributes:
      dataset: Name and version; empty if the examples do not record them.
      splits: Number of images by split.
      label_counts: Number of images by split and label; empty without labels.
      anomalies: Differences from the schema, one sentence each. They were accepted; otherwise there would be no report.
      pixels: What the ValidationGate saw of the images, by split; empty if an older version looked.
      image_warnings: What is wrong with the images, one sentence each; accepted too.
      label_names: Of labels 0, 1, ...; none if labels are plain numbers.
    """

    dataset: str
    splits: Mapping[str, int]
    label_counts: Mapping[str, Mapping[str, int]]
    anomalies: tuple[str, ...]
    pixels: Mapping[str, SplitPixels]
    image_warnings: tuple[str, ...]
    label_names: tuple[str, ...] = ()

    def label_name(self, label: int) -> str:
        """How to write a label."""
        return self.label_names[label] if 0 <= label < len(self.label_names) else str(label)


@dataclass(frozen=True)
class Findings:
    """Everything that a report shows.

    Attributes:
      config: What to show.
      pipeline: The name of the pipeline.
      provenance: The executions that made the inputs.
      data: All splits.
      drift: How the images differ from those of the champion; None if that was not asked for.
      drift_arrays: The scores, and the strangest images; None if nothing was compared.
      training: None if the model has no history.
      evaluation: The Evaluator's metrics and verdict.
      refusal: Why the model failed the check before pushing; empty if it passed, or was not checked.
      model: The exported model.
      train: The first images of the training split.
      test: The first images of the test split, in the order of its files.
      examples: The artifacts with the training split.
      classifier: The directory of FeatureClassifier's output; empty if there is none.
      tuning: The search for settings; None if there was none.
    """

    config: ReportConfig
    pipeline: str
    provenance: Provenance
    data: DataSummary
    drift: DriftSummary | None
    drift_arrays: DriftArrays | None
    training: History | None
    evaluation: Evaluation
    refusal: str
    model: ReportedModel
    train: Images
    test: Images
    examples: Sequence[Artifact]
    classifier: str
    tuning: Tuning | None = None

    @cached_property
    def codes(self) -> Codes:
        """Codes of the test images."""
        return encode_all(self.model, self.test)

    @cached_property
    def losses(self) -> Mapping[str, NDArray[np.float32]]:
        """Losses of each test image, by name."""
        return self.model.losses(self.test.examples)


def gather(
    artifacts: Mapping[str, Sequence[Artifact]], config: ReportConfig, pipeline: str, provenance: Provenance
) -> Findings:
    """Reads the artifacts of a run.

    Args:
      artifacts: By the names of `properties`: `examples` and `statistics`, one or more of each; one `data_verdict`, `model` and
        `evaluation`; optionally, one `drift_verdict`, `infra_blessing`, `classifier`, `best_hyperparameters` and
        `tuner_results`, and `test_examples`.
      config: How much to read.
      pipeline: The name of the pipeline.
      provenance: The executions that made the artifacts.

    Raises:
      DataError: A split has no image.
      FileNotFoundError: The evaluation has no metrics.
    """
    examples, [trained] = artifacts[properties.EXAMPLES], artifacts[properties.MODEL]
    [verdict], [evaluation] = artifacts[properties.DATA_VERDICT], artifacts[properties.EVALUATION]
    model = ReportedModel(Path(path_utils.serving_model_path(trained.uri)))
    checked, compared = artifacts.get(properties.INFRA_BLESSING), artifacts.get(properties.DRIFT_VERDICT)
    drift = read_summary(Path(compared[0].uri)) if compared else None
    test_examples = artifacts.get(properties.TEST_EXAMPLES) or examples
    tuning = None
    if artifacts.get(properties.BEST_HYPERPARAMETERS):
        [best], [trials] = artifacts[properties.BEST_HYPERPARAMETERS], artifacts[properties.TUNER_RESULTS]
        tuning = read_tuning(Path(best.uri), Path(trials.uri))
        told = {"model": provenance.model, "trainer": provenance.trainer}
        provenance = provenance.model_copy(update=with_settings(told, read_best_settings(Path(best.uri))))
    return Findings(
        config=config,
        pipeline=pipeline,
        provenance=provenance,
        data=read_data_summary(examples, artifacts[properties.STATISTICS], verdict),
        drift=drift,
        drift_arrays=read_arrays(Path(compared[0].uri)) if compared and drift and drift.champion is not None else None,
        training=read_history(Path(trained.uri)),
        evaluation=read_evaluation(Path(evaluation.uri)),
        refusal=checked[0].get_string_custom_property(REFUSAL) if checked else "",
        model=model,
        train=read_images(examples, TRAIN, _TRAINING_IMAGES, model.model_input),
        test=read_images(test_examples, TEST, config.test_images, model.model_input),
        examples=examples,
        classifier=classifiers[0].uri if (classifiers := artifacts.get(properties.CLASSIFIER)) else "",
        tuning=tuning,
    )


def encode_all(model: ReportedModel, images: Images) -> Codes:
    """Codes of all images; their pixels are decoded in parts, to save memory."""
    parts = [
        model.encode(images.pixels(np.arange(start, min(start + _ENCODED_AT_ONCE, len(images)))))
        for start in range(0, len(images), _ENCODED_AT_ONCE)
    ]
    if not model.has_posterior:
        return Codes(np.concatenate([part.mean for part in parts]), None)
    return Codes(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.log_variance for part in parts if part.log_variance is not None]),
    )


def _batches(values: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Batches of one size, the last one padded with zeros: matrix products of another size may differ in the last bit."""
    for start in range(0, len(values), _BATCH):
        batch = values[start : start + _BATCH]
        yield np.concatenate([batch, np.zeros((_BATCH - len(batch), *batch.shape[1:]), np.float32)])


def _joined(parts: Sequence[Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read_data_summary(examples: Sequence[Artifact], statistics: Sequence[Artifact], verdict: Artifact) -> DataSummary:
    """Reads the artifacts of ExampleGen and StatisticsGen, of one span or more, and of the ValidationGate."""
    described = {split: [_read_statistics(one, split) for one in statistics] for split in _splits(statistics[-1])}
    names = [" ".join(filter(None, map(one.get_string_custom_property, (DATASET, DATASET_VERSION)))) for one in examples]
    counts = {split: sum((_label_counts(dataset) for dataset in spans), Counter[str]()) for split, spans in described.items()}
    with fileio.open(f"{verdict.uri}/{SENTENCES_FILE}") as file:
        anomalies = tuple(str(file.read()).splitlines())
    found = PixelSummary(splits={}, warnings=())
    if fileio.exists(f"{verdict.uri}/{PIXELS_FILE}"):  # older versions did not look at pixels
        with fileio.open(f"{verdict.uri}/{PIXELS_FILE}") as file:
            found = PixelSummary.model_validate_json(file.read())
    # A later span may have more labels, but a label keeps its number.
    labels = tuple(shared_label_names(one.uri for one in examples))
    return DataSummary(
        dataset=names[-1] if names[0] == names[-1] else f"{names[0]} to {names[-1]}",
        splits={split: sum(int(dataset.num_examples) for dataset in spans) for split, spans in described.items()},
        label_counts={
            split: {labels[int(label)] if labels else label: count for label, count in of_split.items()}
            for split, of_split in counts.items()
            if of_split
        },
        anomalies=anomalies,
        pixels=found.splits,
        image_warnings=found.warnings,
        label_names=labels,
    )


def _splits(statistics: Artifact) -> list[str]:
    """Splits in their usual order: the order in the artifact depends on how it was made."""
    names = set(artifact_utils.decode_split_names(statistics.split_names))
    return [*(split for split in SPLITS if split in names), *sorted(names - set(SPLITS))]


def _read_statistics(statistics: Artifact, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    path = f"{artifact_utils.get_split_uri([statistics], split)}/{_STATISTICS_FILE}"
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()).datasets[0]


def _label_counts(dataset: statistics_pb2.DatasetFeatureStatistics) -> Counter[str]:
    """Number of images of each label; only statistics that were computed with the schema have it."""
    labels = next((feature for feature in dataset.features if list(feature.path.step) == [LABEL]), None)
    if labels is None:
        return Counter()
    buckets = labels.string_stats.rank_histogram.buckets
    return Counter({bucket.label: round(bucket.sample_count) for bucket in buckets})
