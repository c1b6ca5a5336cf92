"""What the steps of a compiled pipeline do. KFP copies the source of a function into the pipeline, so each imports for itself.

KFP shows metrics, pages and texts in its user interface only if they are outputs of the function. This module imports kfp.
"""

from collections.abc import Callable, Mapping
from typing import Final

from kfp.dsl import HTML, Markdown, Metrics, Model, Output


def run_node(
    node: str, run_id: str, configuration: str, epochs: int, latent_dim: int, beta: float, dataset: str, run_date: str
) -> None:
    """Runs one node of the pipeline in the process of the step."""
    from pipelines.kubeflow import node as nodes
    from pipelines.kubeflow.parameters import Parameters

    nodes.run_or_exit(node, run_id, configuration, Parameters(epochs, latent_dim, beta, dataset, run_date))


def run_evaluator(
    node: str,
    run_id: str,
    configuration: str,
    epochs: int,
    latent_dim: int,
    beta: float,
    dataset: str,
    run_date: str,
    metrics: Output[Metrics],
    verdict: Output[Markdown],
) -> None:
    """Runs the Evaluator, and gives KFP the metrics and whether the model is blessed."""
    from pipelines.kubeflow import node as nodes
    from pipelines.kubeflow.outputs import show_evaluation
    from pipelines.kubeflow.parameters import Parameters

    nodes.run_or_exit(node, run_id, configuration, Parameters(epochs, latent_dim, beta, dataset, run_date))
    show_evaluation(configuration, run_id, metrics, verdict)


def run_validation(
    node: str,
    run_id: str,
    configuration: str,
    epochs: int,
    latent_dim: int,
    beta: float,
    dataset: str,
    run_date: str,
    findings: Output[Markdown],
) -> None:
    """Runs ValidationGate, and gives KFP what it found in the data."""
    from pipelines.kubeflow import node as nodes
    from pipelines.kubeflow.outputs import show_data
    from pipelines.kubeflow.parameters import Parameters

    nodes.run_or_exit(node, run_id, configuration, Parameters(epochs, latent_dim, beta, dataset, run_date))
    show_data(configuration, run_id, findings)


def run_report(
    node: str,
    run_id: str,
    configuration: str,
    epochs: int,
    latent_dim: int,
    beta: float,
    dataset: str,
    run_date: str,
    page: Output[HTML],
) -> None:
    """Runs ModelReport, and gives KFP the page."""
    from pipelines.kubeflow import node as nodes
    from pipelines.kubeflow.outputs import show_report
    from pipelines.kubeflow.parameters import Parameters

    nodes.run_or_exit(node, run_id, configuration, Parameters(epochs, latent_dim, beta, dataset, run_date))
    show_report(configuration, run_id, page)


def run_pusher(
    node: str,
    run_id: str,
    configuration: str,
    epochs: int,
    latent_dim: int,
    beta: float,
    dataset: str,
    run_date: str,
    model: Output[Model],
) -> None:
    """Runs the Pusher, and gives KFP the version that is served."""
    from pipelines.kubeflow import node as nodes
    from pipelines.kubeflow.outputs import show_version
    from pipelines.kubeflow.parameters import Parameters

    nodes.run_or_exit(node, run_id, configuration, Parameters(epochs, latent_dim, beta, dataset, run_date))
    show_version(configuration, run_id, model)


def run_worker(index: int, run_id: str, configuration: str) -> None:
    """Trains together with the Trainer and other workers."""
    from pipelines.kubeflow.workers import work_or_exit

    work_or_exit(index, run_id, configuration)


def run_notification(run_id: str, configuration: str) -> None:
    """Runs `notify.command`, if the run ended in a way that `notify.when` names."""
    from pipelines.kubeflow.node import notify_of_run

    notify_of_run(run_id, configuration)


OF_NODE: Final[Mapping[str, Callable[..., None]]] = {
    "ValidationGate": run_validation,
    "Evaluator": run_evaluator,
    "ModelReport": run_report,
    "Pusher": run_pusher,
}
"""The functions of nodes that show something; the others are run by `run_node`."""
