"""The data as the report describes it: labels have the names of their folders."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts.data_verdict import SENTENCES_FILE, DataVerdict
from components.artifacts.labels import write_label_names
from components.report.findings import read_data_summary

STATISTICS = """
datasets { num_examples: 5 features {
  path { step: "label" }
  string_stats { rank_histogram { buckets { label: "0" sample_count: 2 } buckets { label: "1" sample_count: 3 } } }
} }
"""


def test_labels_have_names_if_the_examples_have_them(tmp_path: Path):
    examples, statistics, verdict = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics(), DataVerdict()
    for artifact, name in ((examples, "examples"), (statistics, "statistics"), (verdict, "verdict")):
        artifact.uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    statistics.split_names = artifact_utils.encode_split_names(["train"])
    content = text_format.Parse(STATISTICS, statistics_pb2.DatasetFeatureStatisticsList()).SerializeToString()
    (tmp_path / "statistics" / "Split-train").mkdir()
    (tmp_path / "statistics" / "Split-train" / "FeatureStats.pb").write_bytes(content)
    (tmp_path / "verdict" / SENTENCES_FILE).touch()

    plain = read_data_summary([examples], [statistics], verdict)
    write_label_names(examples.uri, ["boot", "heel"])
    named = read_data_summary([examples], [statistics], verdict)

    examples.set_string_custom_property("dataset", "span-1")
    later = standard_artifacts.Examples()
    later.uri = examples.uri
    later.set_string_custom_property("dataset", "span-4")
    both = read_data_summary([examples, later], [statistics, statistics], verdict)

    assert both.dataset == "span-1 to span-4"
    assert read_data_summary([examples], [statistics], verdict).dataset == "span-1"
    assert both.splits == {"train": 10}
    assert both.label_counts == {"train": {"boot": 4, "heel": 6}}
    assert plain.label_counts == {"train": {"0": 2, "1": 3}}
    assert plain.label_name(1) == "1"
    assert named.label_counts == {"train": {"boot": 2, "heel": 3}}
    assert (named.label_name(1), named.label_name(7)) == ("heel", "7")
