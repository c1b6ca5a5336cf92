"""What the data is: its name, the images of each split, how often each label occurs, and whether it is as it should be."""

from collections.abc import Mapping
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.artifacts import dataset as properties
from components.artifacts.data_verdict import SENTENCES_FILE
from components.artifacts.features import LABEL, SPLITS

# Where StatisticsGen writes each split; its own constants would import TensorFlow Data Validation.
_STATISTICS_FILE = "FeatureStats.pb"


@dataclass(frozen=True)
class DataSummary:
    """What the components before the Trainer say about the data.

    Attributes:
      dataset: Name and version; empty if the examples do not say.
      splits: By split, how many images it has.
      label_counts: By split, how often each label occurs; empty without labels.
      anomalies: What is not as the schema says, one sentence each; it was let pass, or there would be no report.
    """

    dataset: str
    splits: Mapping[str, int]
    label_counts: Mapping[str, Mapping[str, int]]
    anomalies: tuple[str, ...]


def read_data_summary(examples: Artifact, statistics: Artifact, verdict: Artifact) -> DataSummary:
    """Reads it from the artifacts of ExampleGen, StatisticsGen and the ValidationGate."""
    described = {split: _read_statistics(statistics, split) for split in _splits(statistics)}
    names = (examples.get_string_custom_property(key) for key in (properties.DATASET, properties.DATASET_VERSION))
    counts = {split: _label_counts(dataset) for split, dataset in described.items()}
    with fileio.open(f"{verdict.uri}/{SENTENCES_FILE}") as file:
        anomalies = tuple(str(file.read()).splitlines())
    return DataSummary(
        dataset=" ".join(name for name in names if name),
        splits={split: int(dataset.num_examples) for split, dataset in described.items()},
        label_counts={split: of_split for split, of_split in counts.items() if of_split},
        anomalies=anomalies,
    )


def _splits(statistics: Artifact) -> list[str]:
    """In their usual order: the artifact's depends on how it was made."""
    names = set(artifact_utils.decode_split_names(statistics.split_names))
    return [*(split for split in SPLITS if split in names), *sorted(names - set(SPLITS))]


def _read_statistics(statistics: Artifact, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    path = f"{artifact_utils.get_split_uri([statistics], split)}/{_STATISTICS_FILE}"
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()).datasets[0]


def _label_counts(dataset: statistics_pb2.DatasetFeatureStatistics) -> dict[str, int]:
    """How often each label occurs, which only statistics that were computed with the schema know."""
    labels = next((feature for feature in dataset.features if list(feature.path.step) == [LABEL]), None)
    if labels is None:
        return {}
    return {bucket.label: round(bucket.sample_count) for bucket in labels.string_stats.rank_histogram.buckets}
