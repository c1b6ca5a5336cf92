"""What every step executes. Its source is written into the compiled pipeline, so it says as little as it can."""


def run_step(
    node: str, run_id: str, configuration: str, epochs: int, latent_dim: int, beta: float, dataset: str, run_date: str
) -> None:
    """Runs one node of the pipeline in the process of the step."""
    import sys

    from pipelines.kubeflow.node import run_node
    from pipelines.kubeflow.parameters import Parameters

    if status := run_node(node, run_id, configuration, Parameters(epochs, latent_dim, beta, dataset, run_date)):
        sys.exit(status)
