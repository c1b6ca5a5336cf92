"""What a step shows in Kubeflow's user interface, beside what TFX records: the data, metrics, the verdict, the report and
the version that is served."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from components.artifacts.data_verdict import PIXELS_FILE, SENTENCES_FILE, PixelSummary
from components.artifacts.evaluation import read_evaluation
from components.artifacts.files import readable
from components.artifacts.metrics import CATALOGUE
from components.artifacts.serving_directory import PUSHED_DESTINATION
from pipelines.kubeflow.parameters import configuration
from pipelines.kubeflow.runs import REPORT_LINE
from pipelines.model_registry import register_version
from pipelines.notification import describe_run, outputs_of_run, pushed_version


def show_evaluation(text: str, run_id: str, metrics: Any, verdict: Any) -> None:
    """Gives KFP what the Evaluator of a run found.

    Args:
      text: The configuration, as `as_text` wrote it.
      run_id: The run, whose Evaluator has ended.
      metrics: A `kfp.dsl.Metrics`: all metrics over the test split that are finite.
      verdict: A `kfp.dsl.Markdown`: whether the model is blessed and why not, the metrics with their units, and those of each
        label.
    """
    config = configuration(text, None)
    found = describe_run(config, run_id)
    with readable(outputs_of_run(config, run_id)["ModelEvaluation"].uri) as directory:
        by_label = read_evaluation(directory).metrics_by_label
    for name, value in found["metrics"].items():
        if math.isfinite(value):
            metrics.log_metric(name, value)
    headline = "**Blessed**: all thresholds hold." if found["blessed"] else "**Not blessed:**"
    reasons = "".join(f"\n- {reason}" for reason in found["refusals"])
    rows = "".join(
        f"\n| {metric.name} | {found['metrics'][metric.name]:.{metric.decimals}f} | {metric.unit} |"
        for metric in CATALOGUE
        if metric.name in found["metrics"]
    )
    table = f"| metric, over the test split | value | unit |\n| --- | ---: | --- |{rows}\n"
    Path(verdict.path).write_text(f"{headline}{reasons}\n\n{table}{_table_of_labels(by_label)}", encoding="utf-8")


def _table_of_labels(metrics: Mapping[int, Mapping[str, float]]) -> str:
    """The metrics that every label has, in a row for each label; empty if there are no labels."""
    shown = [metric for metric in CATALOGUE if metrics and all(metric.name in of for of in metrics.values())]
    if not shown:
        return ""
    rows = "".join(
        f"\n| {label} | {' | '.join(f'{of[metric.name]:.{metric.decimals}f}' for metric in shown)} |"
        for label, of in sorted(metrics.items())
    )
    return f"\n| label | {' | '.join(metric.name for metric in shown)} |\n|{' ---: |' * (len(shown) + 1)}{rows}\n"


def show_data(text: str, run_id: str, findings: Any) -> None:
    """Gives KFP what ValidationGate found in data that it let pass.

    Args:
      text: The configuration, as `as_text` wrote it.
      run_id: The run, whose ValidationGate has ended.
      findings: A `kfp.dsl.Markdown`: sentences, and a table of the splits.
    """
    verdict = outputs_of_run(configuration(text, None), run_id)["DataVerdict"]
    with readable(verdict.uri) as directory:
        sentences = (directory / SENTENCES_FILE).read_text(encoding="utf-8").splitlines()
        pixels = PixelSummary.model_validate_json((directory / PIXELS_FILE).read_bytes())
    listed = "".join(f"- {sentence}\n" for sentence in (*sentences, *pixels.warnings)) or "The data are as the schema says.\n"
    rows = "".join(
        f"\n| {name} | {of.images} | {of.mean:.1f} | {of.standard_deviation:.1f} | {of.constant} | {of.repeated} |"
        for name, of in pixels.splits.items()
    )
    table = f"| split | images | mean of pixels | deviation | of one colour | repeated |\n|---|---:|---:|---:|---:|---:|{rows}"
    Path(findings.path).write_text(f"{listed}\n{table}\n", encoding="utf-8")


def show_report(text: str, run_id: str, page: Any) -> None:
    """Gives KFP the report of a run.

    Args:
      text: The configuration, as `as_text` wrote it.
      run_id: The run, whose ModelReport has ended.
      page: A `kfp.dsl.HTML`.
    """
    uri, _, name = str(describe_run(configuration(text, None), run_id)["report"]).rpartition("/")
    with readable(uri) as directory:
        Path(page.path).write_bytes((directory / name).read_bytes())
    click.echo(f"{REPORT_LINE}{page.uri}")


def show_version(text: str, run_id: str, model: Any) -> None:
    """Gives KFP, and the model registry, the version that a run pushed; nothing if it pushed none.

    Args:
      text: The configuration, as `as_text` wrote it.
      run_id: The run, whose Pusher has ended.
      model: A `kfp.dsl.Model`: its metadata have the version, and where it lies on the volume.
    """
    config = configuration(text, None)
    register_version(config, run_id)
    version = pushed_version(push := outputs_of_run(config, run_id).get("PushedModel"))
    if push is None or version is None:
        return
    model.metadata |= {
        "framework": "tensorflow",
        "version": str(version),
        "destination": push.custom_properties[PUSHED_DESTINATION].string_value,
    }
