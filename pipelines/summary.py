"""What a person wants to know when a run has ended: how good the model is, whether it was blessed, and where everything is."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.evaluator.config import EvaluatorConfig
from components.evaluator.verdict import Verdict, read_verdict
from components.features import EXAMPLE_COUNT, LOSSES, SQUARED_ERROR
from pipelines.config import PipelineConfig
from pipelines.metadata.location import Backend
from pipelines.node_result import NodeResult


def print_summary(config: PipelineConfig, results: dict[str, NodeResult], log: Path, console: Console) -> None:
    """Prints the metrics, the verdict and the places.

    Args:
      config: What was run.
      results: What became of each node.
      log: The log of the run.
      console: Where to print.
    """
    console.print()
    if "Evaluator" in results:
        verdict = read_verdict(Path(_only_output(results["Evaluator"], "evaluation").uri))
        console.print(_metrics_table(verdict, config.evaluator))
        console.print()
        _print_verdict(verdict, console)
    for name, place in _places(config, results, log):
        console.print(Text.assemble((f"{name:<10}", "bold"), place), soft_wrap=True)


def _metrics_table(verdict: Verdict, config: EvaluatorConfig) -> Table:
    title = f"Test split: means over {int(verdict.metrics[EXAMPLE_COUNT]):,} images"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("metric", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("model", justify="right")
    table.add_column("latest blessed", justify="right")
    table.add_column("must be", no_wrap=True)
    for name in LOSSES:
        baseline = verdict.baseline_metrics.get(name)
        table.add_row(
            name,
            "pixels²" if name == SQUARED_ERROR else "nats",
            f"{verdict.metrics[name]:.2f}",
            "none" if baseline is None else f"{baseline:.2f}",
            describe_thresholds(config, name),
        )
    return table


def describe_thresholds(config: EvaluatorConfig, name: str) -> str:
    """What a metric must be, as inequalities; empty if anything will do."""
    threshold = {str(key): value for key, value in config.thresholds.items()}.get(name)
    if threshold is None:
        return ""
    bounds = []
    if threshold.lower is not None:
        bounds.append(f"≥ {threshold.lower:g}")
    if threshold.upper is not None:
        bounds.append(f"≤ {threshold.upper:g}")
    if threshold.worsening is not None:
        bounds.append(f"≤ blessed + {threshold.worsening:g}")
    return ", ".join(bounds)


def _print_verdict(verdict: Verdict, console: Console) -> None:
    if verdict.blessed:
        console.print(Text.assemble(("Blessed   ", "bold green"), "every threshold is kept, so it was pushed"))
        return
    console.print(Text.assemble(("Not blessed, so nothing was pushed:", "bold yellow")))
    for reason in verdict.reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)


def _places(config: PipelineConfig, results: dict[str, NodeResult], log: Path) -> list[tuple[str, str]]:
    places = []
    if "Pusher" in results:
        pushed = _only_output(results["Pusher"], "pushed_model").custom_properties
        version = int(pushed["pushed_version"].string_value) if pushed["pushed"].int_value else None
        places.append(
            ("Serving", f"{describe_versions(version, _versions(config.serving_dir))} in {_short(config.serving_dir)}")
        )
    if "ModelReport" in results:
        places.append(("Report", _short(Path(_only_output(results["ModelReport"], "report").uri) / "index.html")))
    if "Trainer" in results:
        places.append(("Model", _short(Path(_only_output(results["Trainer"], "model").uri))))
        places.append(("Curves", f"tensorboard --logdir {_short(Path(_only_output(results['Trainer'], 'model_run').uri))}"))
    location = config.metadata_location
    places.append(("Metadata", _short(location.path) if location.backend is Backend.SQLITE else str(location)))
    places.append(("Log", _short(log)))
    return places


def describe_versions(pushed: int | None, served: list[int]) -> str:
    """What the serving directory holds; a cached push may have been followed by others, or its version deleted."""
    newest = max(served, default=None)
    if pushed is None:
        return "no version yet" if newest is None else f"version {newest} stays the newest"
    if pushed == newest:
        return f"version {pushed} is the newest"
    if pushed in served:
        return f"version {pushed}, pushed by an earlier run; the newest is version {newest}"
    return f"version {pushed}, pushed by an earlier run, is no longer (--set runtime.cache=false pushes again)"


def _versions(serving_dir: Path) -> list[int]:
    return [int(path.name) for path in serving_dir.glob("*") if path.name.isdigit()]


def _only_output(result: NodeResult, channel: str) -> Any:
    [artifact] = result.outputs[channel]
    return artifact


def _short(path: Path) -> str:
    """Relative to the working directory where the path lies below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
