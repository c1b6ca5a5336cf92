"""What a step shows in Kubeflow's user interface, beside what TFX records: metrics, the verdict and the report."""

import math
from pathlib import Path
from typing import Any

from components.artifacts.files import readable
from components.artifacts.metrics import CATALOGUE
from pipelines.kubeflow.parameters import configuration
from pipelines.notification import describe_run


def show_evaluation(text: str, run_id: str, metrics: Any, verdict: Any) -> None:
    """Gives KFP what the Evaluator of a run found.

    Args:
      text: The configuration, as `as_text` wrote it.
      run_id: The run, whose Evaluator has ended.
      metrics: A `kfp.dsl.Metrics`: all metrics over the test split that are finite.
      verdict: A `kfp.dsl.Markdown`: whether the model is blessed and why not, and the metrics with their units.
    """
    found = describe_run(configuration(text, None), run_id)
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
    Path(verdict.path).write_text(
        f"{headline}{reasons}\n\n| metric, over the test split | value | unit |\n| --- | ---: | --- |{rows}\n", encoding="utf-8"
    )


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
