"""Evaluations from hand-written files; tests/component/test_evaluator.py reads what the Evaluator writes."""

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from components.artifacts.evaluation import read_evaluation
from components.artifacts.tfma_files import _message_classes


def write(file: Path, message: str, text: str) -> None:
    """One record; nobody looks at the checksums."""
    data = text_format.Parse(text, _message_classes()[message]()).SerializeToString()
    file.write_bytes(struct.pack("<QI", len(data), 0) + data + struct.pack("<I", 0))


def evaluation(directory: Path, metrics: dict[str, float], failures: str, missing: str = "", baseline: Any = None) -> Path:
    values = [
        f'metric_keys_and_values {{ key {{ name: "{name}" model_name: "{model}" }} {double(value)} }}'
        for model, items in {"": metrics, "baseline": baseline or {}}.items()
        for name, value in items.items()
    ]
    write(directory / "metrics-00000-of-00001.tfrecord", "MetricsForSlice", " ".join(values))
    ok = str(not failures and not missing).lower()
    validation = f"validation_ok: {ok} metric_validations_per_slice {{ {failures} }} {missing}"
    write(directory / "validations.tfrecord", "ValidationResult", validation)
    return directory


def failure(name: str, threshold: str) -> str:
    return f'failures {{ metric_key {{ name: "{name}" }} metric_{double(0)} metric_threshold {{ {threshold} }} }}'


def double(value: float) -> str:
    return f"value {{ double_value {{ value: {value} }} }}"


def bounds(lower: float, upper: float) -> str:
    return f"value_threshold {{ lower_bound {{ value: {lower} }} upper_bound {{ value: {upper} }} }}"


@pytest.mark.parametrize(
    ("value", "threshold", "reason"),
    [
        (131.2, bounds(-1e300, 120), "negative_elbo 131.2 is above its upper bound 120.0"),
        (120.04, bounds(-1e300, 120), "negative_elbo 120.04 is above its upper bound 120.00"),
        (0.5, bounds(1, 1e300), "negative_elbo 0.5 is below its lower bound 1.0"),
        (float("inf"), bounds(-1e300, 1e300), "negative_elbo is inf, which is not a finite number"),
        (
            99.1,
            "change_threshold { absolute { value: 1.0 } }",
            "negative_elbo 99.1 is 1.6 above the champion's 97.5, more than the 1.0 allowed",
        ),
        (
            97.5004,
            "change_threshold { absolute { value: 0.0 } }",
            "negative_elbo 97.5004 is 0.0004 above the champion's 97.5000, more than the 0.0000 allowed",
        ),
        (
            94.5,
            "change_threshold { absolute { value: -1.0 } }",
            "negative_elbo 94.5 is 3.0 below the champion's 97.5, more than the 1.0 allowed",
        ),
    ],
)
def test_a_threshold_that_was_not_kept_is_a_sentence(value: float, threshold: str, reason: str, tmp_path: Path) -> None:
    failures = failure("negative_elbo", threshold)
    verdict = read_evaluation(evaluation(tmp_path, {"negative_elbo": value}, failures, baseline={"negative_elbo": 97.5}))
    assert not verdict.blessed
    assert verdict.reasons == (reason,)
    assert verdict.metrics == {"negative_elbo": value}
    assert verdict.baseline == {"negative_elbo": 97.5}


def test_a_value_that_is_not_a_number_is_said_once_though_it_keeps_no_threshold(tmp_path: Path) -> None:
    failures = failure("negative_elbo", bounds(0, 1)) + failure("negative_elbo", "change_threshold { absolute {} }")
    verdict = read_evaluation(evaluation(tmp_path, {"negative_elbo": float("nan")}, failures))
    assert verdict.reasons == ("negative_elbo is nan, which is not a finite number",)


def test_a_metric_that_only_the_baseline_lacks_is_told_from_one_that_was_not_computed(tmp_path: Path) -> None:
    failures = "".join(
        f'failures {{ metric_key {{ name: "{name}" is_diff: true }} metric_threshold {{ change_threshold {{}} }} }}'
        for name in ("ssim", "iw_nll")
    )
    verdict = read_evaluation(evaluation(tmp_path, {"ssim": 0.9}, failures, baseline={"negative_elbo": 97.5}))
    assert verdict.reasons == (
        "ssim cannot be compared with the champion, which does not have it: "
        "leave worsening out of evaluator.thresholds.ssim until a newer model is blessed",
        "iw_nll was not computed: this model, or this data, does not have it",
    )


def test_what_has_a_value_for_each_dimension_is_kept_apart_and_in_order(tmp_path: Path) -> None:
    def dimension(number: int, value: float, more: str = "") -> str:
        key = f'key {{ name: "kl_per_dimension" sub_key {{ class_id {{ value: {number} }} }} {more} }}'
        return f"metric_keys_and_values {{ {key} {double(value)} }} "

    label = 'slice_key { single_slice_keys { column: "label" int64_value: 3 } } '
    records = [
        "".join(dimension(number, number / 2) for number in (10, 2, 0, 1)) + dimension(0, 9.0, 'model_name: "baseline"'),
        label + dimension(0, 7.0),
    ]
    for number, record in enumerate(records):
        write(tmp_path / f"metrics-0000{number}-of-00002.tfrecord", "MetricsForSlice", record)
    verdict = read_evaluation(tmp_path)
    assert verdict.kl_per_dimension == (0.0, 0.5, 1.0, 5.0)
    assert verdict.kl_per_dimension_by_label == {3: (7.0,)}
    assert (verdict.metrics, verdict.baseline, verdict.metrics_by_label) == ({}, {}, {})


def test_a_metric_that_has_no_meaning_for_one_label_is_not_there_but_a_loss_that_is_not_a_number_is(tmp_path: Path) -> None:
    label = 'slice_key { single_slice_keys { column: "label" int64_value: 3 } } '
    values = [
        f'metric_keys_and_values {{ key {{ name: "{name}" }} {double(float("nan"))} }}' for name in ("ssim", "kl_divergence")
    ]
    write(tmp_path / "metrics-00000-of-00001.tfrecord", "MetricsForSlice", label + " ".join(values))
    assert list(read_evaluation(tmp_path).metrics_by_label[3]) == ["kl_divergence"]


def test_a_blessed_model_needs_no_reasons(tmp_path: Path) -> None:
    verdict = read_evaluation(evaluation(tmp_path, {"negative_elbo": 97.5}, failures=""))
    assert verdict.blessed
    assert verdict.reasons == ()


def test_a_split_without_examples_is_not_blessed(tmp_path: Path) -> None:
    verdict = read_evaluation(evaluation(tmp_path, {}, failures="", missing="missing_slices {}"))
    assert verdict.reasons == ("there was no example to evaluate",)


def test_a_directory_that_holds_no_evaluation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there are no metrics in"):
        read_evaluation(tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    evaluation(tmp_path, {"negative_elbo": 97.5}, failures="")
    metrics = tmp_path / "metrics-00000-of-00001.tfrecord"
    metrics.write_bytes(metrics.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"metrics-00000-of-00001\.tfrecord is truncated"):
        read_evaluation(tmp_path)


def test_reading_a_verdict_imports_neither_tensorflow_nor_tfma() -> None:
    code = "import sys, components.artifacts.evaluation; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow", "tensorflow_model_analysis", "tfx", "apache_beam"} & set(loaded)


def a_metric(name: str, value: float, model: str = "") -> str:
    key = f'key {{ name: "{name}" model_name: "{model}" }}'
    return f"metric_keys_and_values {{ {key} value {{ double_value {{ value: {value} }} }} }} "


def sliced(label: int) -> str:
    return f'slice_key {{ single_slice_keys {{ column: "label" int64_value: {label} }} }} '


def write_slices(directory: Path, slices: list[str], thresholds: dict[str, Any]) -> Path:
    records = [text_format.Parse(text, _message_classes()["MetricsForSlice"]()).SerializeToString() for text in slices]
    (directory / "metrics-00000-of-00001.tfrecord").write_bytes(
        b"".join(struct.pack("<QI", len(record), 0) + record + struct.pack("<I", 0) for record in records)
    )
    metrics = [
        {"config": json.dumps({"name": name}), "perSliceThresholds": [{"slicingSpecs": [{}], "threshold": threshold}]}
        for name, threshold in thresholds.items()
    ]
    config = {"evalConfig": {"metricsSpecs": [{"metrics": [*metrics, {"className": "ExampleCount"}]}]}}
    (directory / "eval_config.json").write_text(json.dumps(config))
    return directory


def test_metrics_of_each_label_have_those_of_the_latest_blessed_model_beside_them(tmp_path: Path):
    found = read_evaluation(
        write_slices(
            tmp_path,
            [
                a_metric("loss", 3.0) + a_metric("loss", 4.0, "baseline"),
                sliced(1) + a_metric("loss", 1.0) + a_metric("loss", 1.5, "baseline"),
                sliced(0) + a_metric("loss", 5.0) + a_metric("loss", 6.5, "baseline"),
            ],
            {},
        )
    )
    assert (found.metrics, found.baseline) == ({"loss": 3.0}, {"loss": 4.0})
    assert list(found.metrics_by_label.items()) == [(0, {"loss": 5.0}), (1, {"loss": 1.0})]
    assert list(found.baseline_by_label.items()) == [(0, {"loss": 6.5}), (1, {"loss": 1.5})]


def test_thresholds_are_those_that_were_applied_and_the_largest_number_is_none(tmp_path: Path):
    largest = sys.float_info.max
    found = read_evaluation(
        write_slices(
            tmp_path,
            [a_metric("loss", 3.0)],
            {
                "kl_divergence": {"valueThreshold": {"lowerBound": 10.0, "upperBound": 40.0}},
                "negative_elbo": {
                    "valueThreshold": {"lowerBound": -largest, "upperBound": 110.0},
                    "changeThreshold": {"absolute": 0.5, "direction": "LOWER_IS_BETTER"},
                },
                "accuracy": {"changeThreshold": {"absolute": -0.02, "direction": "HIGHER_IS_BETTER"}},
                "squared_error": {"valueThreshold": {"lowerBound": -largest, "upperBound": largest}},
            },
        )
    )
    assert found.thresholds == {
        "kl_divergence": "≥ 10, ≤ 40",
        "negative_elbo": "≤ 110, ≤ champion + 0.5",
        "accuracy": "≥ champion - 0.02",
    }
