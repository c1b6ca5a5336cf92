"""The summary at the end of a run: how good the model is, whether it was blessed, and where the results are."""

import datetime
from collections.abc import Container
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.artifacts.drift import DRIFT, DRIFTED
from components.artifacts.evaluation import Evaluation, read_evaluation
from components.artifacts.features import EXAMPLE_COUNT
from components.artifacts.files import is_in_object_store, readable
from components.artifacts.infra_blessing import REFUSAL
from components.artifacts.metrics import CATALOGUE, Metric, describe
from components.artifacts.serving_directory import PUSHED, PUSHED_VERSION, find_difference, find_fault, pushed_versions
from components.artifacts.tuning import Tuning, read_tuning, shown, words
from components.bucket import local, uri_of
from components.evaluator.config import EvaluatorConfig
from pipelines.config import PipelineConfig
from pipelines.local.display import NodeResult, NodeState
from pipelines.mlmd.location import Backend

_BEST_TRIALS: Final = 10


def print_summary(config: PipelineConfig, results: dict[str, NodeResult], log: Path, console: Console) -> None:
    """Prints the metrics, the verdict and the paths.

    Args:
      config: The configuration of the run.
      results: The result of each node.
      log: The log of the run.
      console: Where to print.
    """
    console.print()
    if idle := describe_idleness(config, results):
        console.print(f"{idle}\n", style="bold", highlight=False, soft_wrap=True)
    if "Tuner" in results:
        places = (_only_output(results["Tuner"], name).uri for name in ("best_hyperparameters", "tuner_results"))
        with ExitStack() as copies:
            tuning = read_tuning(*(copies.enter_context(readable(place)) for place in places))
        metric = describe(tuning.objective)
        unit = f", {metric.unit} per image" if metric.unit else ""
        title = f"Search: {len(tuning.trials)} trials by {metric.title}{unit}, on the eval split"
        console.print(Text(title, style="bold"))
        console.print(_trials_table(tuning))
        console.print()
    if "Evaluator" in results:
        with readable(_only_output(results["Evaluator"], "evaluation").uri) as directory:
            evaluation = read_evaluation(directory)
        console.print(_metrics_table(evaluation))
        if differences := describe_differences(evaluation):
            console.print(f"Difference from the champion, ± standard error: {differences}", soft_wrap=True)
        if left_out := left_out_metrics(evaluation, config.evaluator):
            console.print(f"Left out: this model or these images do not have them: {', '.join(left_out)}", style="dim")
        console.print()
        for line in describe_verdict(evaluation, _refusal(results)):
            console.print(line, soft_wrap=True)
    if "DriftGate" in results:
        verdict = _only_output(results["DriftGate"], "verdict").custom_properties
        style = "yellow" if verdict[DRIFTED].int_value else ""
        console.print(Text.assemble(("Drift     ", "bold"), (verdict[DRIFT].string_value, style)), soft_wrap=True)
    for name, place in _places(config, results, log):
        console.print(Text.assemble((f"{name:<10}", "bold"), place), soft_wrap=True)


def describe_idleness(config: PipelineConfig, results: dict[str, NodeResult]) -> str:
    """That no span came in, so that nothing was trained; empty if one did, or if the pipeline has no spans."""
    example_gen = "ImageExampleGen" if config.data.images else "ImportExampleGen"
    nodes = [results.get(name) for name in (example_gen, "Trainer")]
    if not config.data.has_spans or not all(node is not None and node.state is NodeState.CACHED for node in nodes):
        return ""
    read = results.get("TrainingSpans") or results[example_gen]
    newest = max(examples.properties["span"].int_value for examples in read.outputs["examples"])
    is_date = "{YYYY}" in str(config.data.arriving)
    named = (datetime.date(1970, 1, 1) + datetime.timedelta(newest)).isoformat() if is_date else str(newest)
    return f"No new images since span {named}: nothing was trained."


def _trials_table(tuning: Tuning) -> Table:
    """The best trials. The names of settings are broken into lines, so that they fit into 80 columns."""
    metric, others = describe(tuning.objective), len(tuning.trials) - _BEST_TRIALS
    caption = f"and {others} more" if others > 0 else None
    table = Table(box=None, caption=caption, caption_justify="left")
    for name in ("trial", metric.title, *(words(axis.key) for axis in tuning.axes)):
        table.add_column(name.replace(" ", "\n"), justify="right", overflow="fold", vertical="bottom")
    with_epochs = any(trial.epochs is not None for trial in tuning.trials)
    if with_epochs:
        table.add_column("epochs", justify="right", vertical="bottom")
    for trial in tuning.trials[:_BEST_TRIALS]:
        values = (shown(trial.settings[axis.key]) for axis in tuning.axes)
        epochs = [str(trial.epochs)] if with_epochs else []
        table.add_row(str(trial.number), f"{trial.score:.{metric.decimals}f}", *values, *epochs)
    return table


def _metrics_table(evaluation: Evaluation) -> Table:
    shown = shown_metrics(evaluation)
    title = f"Test split: means over {int(evaluation.metrics[EXAMPLE_COUNT]):,} images"
    if any(metric.is_binarized for metric in shown):
        title += "; binarized/: of binary images"
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("metric", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("model", justify="right")
    table.add_column("champion", justify="right")
    table.add_column("must be", no_wrap=True)
    for metric in shown:
        baseline = evaluation.baseline.get(metric.name)
        table.add_row(
            metric.name,
            metric.unit,
            f"{evaluation.metrics[metric.name]:.{metric.decimals}f}",
            "none" if baseline is None else f"{baseline:.{metric.decimals}f}",
            evaluation.thresholds.get(metric.name, ""),
        )
    return table


def shown_metrics(evaluation: Evaluation) -> list[Metric]:
    """The main metrics and those with a threshold, if the model has them; the report shows all."""
    main = [metric for metric in CATALOGUE if metric.is_main]
    limited = [metric for metric in CATALOGUE if metric.name in evaluation.thresholds and metric not in main]
    return [metric for metric in (*main, *limited) if metric.name in evaluation.metrics]


def describe_differences(evaluation: Evaluation) -> str:
    """The paired differences of the metrics that the table shows; empty without a champion."""
    found = [(metric.name, evaluation.differences.get(metric.name)) for metric in shown_metrics(evaluation)]
    return ", ".join(f"{name} {difference}" for name, difference in found if difference is not None)


def left_out_metrics(evaluation: Evaluation, config: EvaluatorConfig) -> list[str]:
    """Metrics that are switched on, but that this model (an autoencoder) or these images (without labels) do not have."""
    names = [metric.name for metric in CATALOGUE if metric.switches]
    return [name for name in names if config.measures(name) and name not in evaluation.metrics]


def describe_verdict(evaluation: Evaluation, refusal: str) -> list[Text]:
    """Whether the model was pushed, and why not.

    Args:
      evaluation: The Evaluator's metrics and verdict.
      refusal: Why the model failed the check before pushing; empty if it did not.
    """
    if evaluation.blessed and not refusal:
        return [Text.assemble(("Blessed   ", "bold green"), "all thresholds hold, so the model was pushed")]
    lines = [
        Text("Not blessed, so nothing was pushed:", "bold yellow"),
        *(Text(f"  {reason}") for reason in evaluation.reasons),
    ]
    if evaluation.blessed:
        lines = [Text.assemble(("Blessed   ", "bold green"), "all thresholds hold")]
    if refusal:
        also = "so nothing was pushed" if evaluation.blessed else "too"
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
        places.append(("Serving", f"{describe_versions(pushed, versions, faults)} in {_short(uri_of(config.serving_dir))}"))
        places += [("Damaged", f"{_short(path)}: {fault}") for path, fault in faults.values()]
    if "ModelReport" in results:
        places.append(("Report", f"{_short(local(_only_output(results['ModelReport'], 'report').uri))}/index.html"))
    if "Trainer" in results:
        places.append(("Model", _short(_only_output(results["Trainer"], "model").uri)))
        places.append(("Curves", f"tensorboard --logdir {_short(local(_only_output(results['Trainer'], 'model_run').uri))}"))
    if config.data.schema_path is None:
        places.append(("Schema", f"{_short(config.schema_path)}, inferred by the first run; later runs must match it"))
    location = config.metadata_location
    places.append(("Metadata", _short(location.path) if location.backend is Backend.SQLITE else str(location)))
    places.append(("Log", _short(log)))
    return places


def describe_versions(pushed: int | None, served: list[int], damaged: Container[int] = ()) -> str:
    """Describes the versions in the serving directory. After a cached push there may be later versions, or it was deleted.

    Args:
      pushed: The version that this run, or the earlier run of a cached push, pushed; None if nothing was pushed.
      served: All versions.
      damaged: Versions that cannot be served.
    """
    newest = max((version for version in served if version not in damaged), default=None)
    if pushed is None:
        return "no version yet" if newest is None else f"version {newest} is still the newest"
    if pushed == newest:
        return f"version {pushed} is the newest"
    if pushed in damaged:
        rest = "there is no other" if newest is None else f"the newest that can be served is version {newest}"
        return f"version {pushed} is damaged; {rest}"
    if pushed in served:
        return f"version {pushed}, pushed by an earlier run; the newest is version {newest}"
    return f"version {pushed}, pushed by an earlier run, no longer exists (--set runtime.cache=false pushes again)"


def _served_faults(serving_dir: Path, pushed: int | None, archive: str) -> dict[int, tuple[Path, str]]:
    """The versions that cannot be served: their directories, the fault and how to fix it.

    Args:
      serving_dir: The directory with all versions.
      pushed: See `describe_versions`.
      archive: Directory of the PushedModel artifact, which has a copy of the pushed model.
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
    """A path, relative to the working directory if it is below that; a URI is not changed."""
    if isinstance(place, str) and is_in_object_store(place):
        return place
    return str(Path(place).relative_to(Path.cwd())) if Path(place).is_relative_to(Path.cwd()) else str(place)
