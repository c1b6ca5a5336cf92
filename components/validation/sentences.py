"""TFDV's findings in sentences for users.

TFDV's own descriptions name neither the split nor what is allowed nor how often a value occurs. The statistics and the schema,
which the Anomalies message contains as its baseline, have all of that.
"""

from collections.abc import Iterator, Sequence

from tensorflow_metadata.proto.v0 import anomalies_pb2, path_pb2, schema_pb2, statistics_pb2

from components.artifacts.features import LABEL

_Reason = anomalies_pb2.AnomalyInfo
_MISSING_EVERYWHERE = frozenset({_Reason.SCHEMA_MISSING_COLUMN, _Reason.FEATURE_TYPE_NOT_PRESENT})
_MISSING_SOMEWHERE = frozenset({_Reason.FEATURE_TYPE_LOW_FRACTION_PRESENT, _Reason.FEATURE_TYPE_LOW_NUMBER_PRESENT})
_OUT_OF_RANGE = frozenset({_Reason.INT_TYPE_BIG_INT, _Reason.INT_TYPE_SMALL_INT})
_VALUES_NAMED = 3

_MISSING_IN_ALL = "missing in all"
_REMEDY = (
    "Fix the data, or the schema (data.schema_path) if that is what is wrong, "
    "or continue anyway with --set data.allow_anomalies=true."
)
_LABEL_REMEDY = (
    "Labels are read from an integer feature named label at the top level of the dataset. Set data.label_feature to another "
    "integer feature, e.g. attributes/digit, or data.schema_path to schema/unlabelled.pbtxt if there are no labels."
)


def describe_anomalies(
    split: str, anomalies: anomalies_pb2.Anomalies, statistics: statistics_pb2.DatasetFeatureStatisticsList
) -> list[str]:
    """Says what is wrong with one split.

    Args:
      split: The split's name.
      anomalies: From ExampleValidator.
      statistics: From StatisticsGen; with the schema as its input it counts every wrong label.

    Returns:
      One sentence, without a full stop, for each finding, in the order of the features' names.
    """
    dataset = statistics.datasets[0] if statistics.datasets else statistics_pb2.DatasetFeatureStatistics()
    # TFDV 1.16 does not check a split without examples: it sets data_missing and reports no anomaly, whatever
    # min_examples_count is, and ExampleValidator marks the split as blessed.
    if anomalies.data_missing or dataset.num_examples == 0:
        return [f"split '{split}' is empty"]
    whole = [f"split '{split}': {_without_stop(reason.description)}" for reason in anomalies.dataset_anomaly_info.reason]
    features = [
        f"split '{split}', feature '{_name(key, info.path)}': {sentence}"
        for key, info in sorted(anomalies.anomaly_info.items())
        for sentence in _describe_feature(_name(key, info.path), info, anomalies.baseline, dataset)
    ]
    return whole + features


def describe_remedies(sentences: Sequence[str]) -> str:
    """What to do about what `describe_anomalies` found in all splits: a line or two."""
    without_labels = f"feature '{LABEL}': {_MISSING_IN_ALL}"
    return "\n".join([*([_LABEL_REMEDY] if any(without_labels in sentence for sentence in sentences) else []), _REMEDY])


def _describe_feature(
    name: str,
    info: anomalies_pb2.AnomalyInfo,
    schema: schema_pb2.Schema,
    dataset: statistics_pb2.DatasetFeatureStatistics,
) -> Iterator[str]:
    expected = next((feature for feature in schema.feature if feature.name == name), schema_pb2.Feature())
    found = next((feature for feature in dataset.features if _name(feature.name, feature.path) == name), None)
    kinds = {reason.type for reason in info.reason}
    if found is None or kinds & _MISSING_EVERYWHERE:
        yield f"{_MISSING_IN_ALL} {dataset.num_examples} examples"
        return
    if _Reason.SCHEMA_NEW_COLUMN in kinds:
        yield "not in the schema"
        return
    if missing := _common(found).num_missing:
        yield f"missing in {missing} of {dataset.num_examples} examples"
    if kinds & _OUT_OF_RANGE:
        yield _out_of_range(found, expected.int_domain, dataset.num_examples)
    if _Reason.INVALID_FEATURE_SHAPE in kinds and _common(found).max_num_values != 1:
        yield _number_of_values(_common(found))
    explained = _OUT_OF_RANGE | {_Reason.INVALID_FEATURE_SHAPE} | (_MISSING_SOMEWHERE if missing else frozenset())
    for reason in info.reason:
        if reason.type not in explained:
            yield _without_stop(reason.description)


def _out_of_range(found: statistics_pb2.FeatureNameStatistics, domain: schema_pb2.IntDomain, examples: int) -> str:
    counts = _counts_outside(found, domain)
    if counts:
        named = [str(value) for value, _ in counts[:_VALUES_NAMED]]
        more = [f"{len(counts) - _VALUES_NAMED} more"] if len(counts) > _VALUES_NAMED else []
        values = _and([*named, *more])
        times = sum(count for _, count in counts)
        where = f" ({times} of {examples} examples)"
    else:
        extremes = {int(found.num_stats.min), int(found.num_stats.max)}
        values = _and([str(value) for value in sorted(extremes) if not domain.min <= value <= domain.max])
        where = ""
    verb = "are" if " and " in values else "is"
    return f"{values} {verb} outside {domain.min} to {domain.max}{where}"


def _counts_outside(found: statistics_pb2.FeatureNameStatistics, domain: schema_pb2.IntDomain) -> list[tuple[int, int]]:
    """Each value outside the domain and how often it occurs; only categorical statistics, computed with the schema, say so."""
    if found.type != statistics_pb2.FeatureNameStatistics.INT:
        return []
    buckets = found.string_stats.rank_histogram.buckets
    counts = [(int(bucket.label), round(bucket.sample_count)) for bucket in buckets]
    return sorted((value, count) for value, count in counts if not domain.min <= value <= domain.max)


def _number_of_values(common: statistics_pb2.CommonStatistics) -> str:
    low, high = common.min_num_values, common.max_num_values
    return (
        f"{low} values in each example instead of one"
        if low == high
        else f"{low} to {high} values in an example instead of one"
    )


def _common(found: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    return getattr(found, found.WhichOneof("stats")).common_stats


def _name(fallback: str, path: path_pb2.Path) -> str:
    return ".".join(path.step) or fallback


def _and(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _without_stop(description: str) -> str:
    return description.strip().rstrip(".")
