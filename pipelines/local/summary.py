"""What a person wants to know when a run has ended: how good the model is, whether it was blessed, and where everything is."""

from collections.abc import Container
from pathlib import Path
from typing import Any, Final, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.artifacts.features import EXAMPLE_COUNT, IW_NLL, LOSSES
from components.artifacts.files import is_in_object_store, readable
from components.artifacts.infra_blessing import REFUSAL
from components.artifacts.serving_directory import PUSHED, PUSHED_VERSION, find_difference, find_fault, pushed_versions
from components.artifacts.verdict import Verdict, read_verdict
from components.evaluator.config import HIGHER_IS_BETTER, EvaluatorConfig, MetricName
from components.report.metric_names import describe
from pipelines.config import PipelineConfig
from pipelines.local.display import NodeResult
from pipelines.mlmd.location import Backend

_MAIN_METRICS: Final = (*LOSSES, IW_NLL, "binarized/iw_nll", "active_units", "latent_probe_accuracy/knn", "frechet_distance")
_DECIMALS: Final = {"active_units": 0, "latent_probe_accuracy/knn": 3, "latent_probe_accuracy/linear": 3, "ssim": 3}


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
        with readable(_only_output(results["Evaluator"], "evaluation").uri) as evaluation:
            verdict = read_verdict(evaluation)
        console.print(_metrics_table(verdict, config.evaluator))
        if left_out := left_out_metrics(verdict, config.evaluator):
            console.print(f"Left out, for this model or these images do not have them: {', '.join(left_out)}", style="dim")
        console.print()
        for line in describe_verdict(verdict, _refusal(results)):
            console.print(line, soft_wrap=True)
    for name, place in _places(config, results, log):
        console.print(Text.assemble((f"{name:<10}", "bold"), place), soft_wrap=True)


def _metrics_table(verdict: Verdict, config: EvaluatorConfig) -> Table:
    shown = shown_metrics(verdict, config)
    title = f"Test split: means over {int(verdict.metrics[EXAMPLE_COUNT]):,} images"
    if any(name.startswith("binarized/") for name in shown):
        title += "; binarized/: in black and white"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("metric", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("model", justify="right")
    table.add_column("latest blessed", justify="right")
    table.add_column("must be", no_wrap=True)
    for name in shown:
        baseline = verdict.baseline_metrics.get(name)
        table.add_row(
            name,
            describe(name).unit,
            f"{verdict.metrics[name]:.{_DECIMALS.get(name, 2)}f}",
            "none" if baseline is None else f"{baseline:.{_DECIMALS.get(name, 2)}f}",
            describe_thresholds(config, name),
        )
    return table


def shown_metrics(verdict: Verdict, config: EvaluatorConfig) -> list[str]:
    """The metrics that say most, and those that are limited, as far as the model has them; the report has all."""
    limited = [str(name) for name in config.thresholds if name not in _MAIN_METRICS]
    return [name for name in (*_MAIN_METRICS, *limited) if name in verdict.metrics]


def left_out_metrics(verdict: Verdict, config: EvaluatorConfig) -> list[str]:
    """Metrics that are switched on, but that an autoencoder, or images without labels, do not have."""
    names: tuple[MetricName, ...] = get_args(MetricName)
    return [name for name in names if config.measures(name) and name not in verdict.metrics]


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
        is_floor = name in HIGHER_IS_BETTER
        bounds.append(f"{'≥' if is_floor else '≤'} blessed {'-' if is_floor else '+'} {threshold.worsening:g}")
    return ", ".join(bounds)


def describe_verdict(verdict: Verdict, refusal: str) -> list[Text]:
    """Whether the model was pushed, and why not.

    Args:
      verdict: What the Evaluator found.
      refusal: Why the model failed the check before pushing; empty if it did not.
    """
    if verdict.blessed and not refusal:
        return [Text.assemble(("Blessed   ", "bold green"), "every threshold is kept, so it was pushed")]
    lines = [Text("Not blessed, so nothing was pushed:", "bold yellow"), *(Text(f"  {reason}") for reason in verdict.reasons)]
    if verdict.blessed:
        lines = [Text.assemble(("Blessed   ", "bold green"), "every threshold is kept")]
    if refusal:
        also = "so nothing was pushed" if verdict.blessed else "too"
        lines += [Text(f"It failed the check before pushing, {also}:", "bold yellow"), Text(f"  {refusal}")]
    return lines


def _refusal(results: dict[str, NodeResult]) -> str:
    if "InfraValidator" not in results:
        return ""
    return str(_only_output(results["InfraValidator"], "blessing").custom_properties[REFUSAL].string_value)


def _places(config: PipelineConfig, results: dict[str, NodeResult], log: Path) -> list[tuple[str, str]]:
    places = []
    if "Pusher" in results:
        push = _only_output(results["Pusher"], "pushed_model")
        pushed = int(push.custom_properties[PUSHED_VERSION].string_value) if push.custom_properties[PUSHED].int_value else None
        faults = _served_faults(config.serving_dir, pushed, push.uri)
        versions = [served.version for served in pushed_versions(config.serving_dir)]
        places.append(("Serving", f"{describe_versions(pushed, versions, faults)} in {_short(config.serving_dir)}"))
        places += [("Damaged", f"{_short(path)}: {fault}") for path, fault in faults.values()]
    if "ModelReport" in results:
        places.append(("Report", f"{_short(_only_output(results['ModelReport'], 'report').uri)}/index.html"))
    if "Trainer" in results:
        places.append(("Model", _short(_only_output(results["Trainer"], "model").uri)))
        places.append(("Curves", f"tensorboard --logdir {_short(_only_output(results['Trainer'], 'model_run').uri)}"))
    location = config.metadata_location
    places.append(("Metadata", _short(location.path) if location.backend is Backend.SQLITE else str(location)))
    places.append(("Log", _short(log)))
    return places


def describe_versions(pushed: int | None, served: list[int], damaged: Container[int] = ()) -> str:
    """The versions in the serving directory; a cached push may have been followed by others, or damaged or deleted.

    Args:
      pushed: The version that this run pushed, or the run whose push is in the cache; None if nothing was pushed.
      served: All versions.
      damaged: Those that cannot be served.
    """
    newest = max((version for version in served if version not in damaged), default=None)
    if pushed is None:
        return "no version yet" if newest is None else f"version {newest} stays the newest"
    if pushed == newest:
        return f"version {pushed} is the newest"
    if pushed in damaged:
        rest = "there is no other" if newest is None else f"the newest that can be served is version {newest}"
        return f"version {pushed} is damaged; {rest}"
    if pushed in served:
        return f"version {pushed}, pushed by an earlier run; the newest is version {newest}"
    return f"version {pushed}, pushed by an earlier run, is no longer (--set runtime.cache=false pushes again)"


def _served_faults(serving_dir: Path, pushed: int | None, archive: str) -> dict[int, tuple[Path, str]]:
    """The versions that cannot be served: their directories, what is wrong and what to do about it.

    Args:
      serving_dir: All versions.
      pushed: See `describe_versions`.
      archive: Directory of the PushedModel, which keeps a copy of what was pushed.
    """
    faults = {}
    for version, path in pushed_versions(serving_dir):
        fault = find_fault(path)
        if version == pushed and not is_in_object_store(archive) and (fault := find_difference(Path(archive), path) or fault):
            fault += f"; restore it: cp -rT {_short(archive)} {_short(path)}"
        if fault:
            faults[version] = path, fault
    return faults


def _only_output(result: NodeResult, channel: str) -> Any:
    [artifact] = result.outputs[channel]
    return artifact


def _short(place: Path | str) -> str:
    """A path, relative to the working directory where it lies below that; or a URI as it is."""
    if isinstance(place, str) and is_in_object_store(place):
        return place
    return str(Path(place).relative_to(Path.cwd())) if Path(place).is_relative_to(Path.cwd()) else str(place)
