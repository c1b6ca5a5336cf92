"""The entry point of a step: runs one node of the pipeline.

    python -m pipelines.kubeflow.node --node Trainer --run-id 0b41 --configuration "$(cat configuration.json)" --epochs 45 ...

It rebuilds the pipeline from the configuration it is handed and launches the node through TFX's portable launcher, against the
ML Metadata and the pipeline root that all steps share. What a step prints is its log, which KFP keeps.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig
from pipelines.kubeflow.parameters import Parameters, configuration, parse_run_date
from pipelines.kubeflow.shared_run import SharedRun
from pipelines.local import failures, preflight
from pipelines.local.capture import log_to_stderr, prepare_environment
from pipelines.local.session import interrupted_by_sigterm, own_arguments_hidden
from pipelines.mlmd.client import open_store
from pipelines.mlmd.lock import database_lock

_log = logging.getLogger(__name__)
_KILLED = "the step was killed: it was canceled, ran out of memory, or its machine went away"


def run_node(node: str, run_id: str, text: str, parameters: Parameters) -> int:
    """Runs one node of a run.

    Args:
      node: Its name, e.g. `Trainer`.
      run_id: The run's; the same for all of its steps.
      text: The configuration, as `as_text` wrote it.
      parameters: What the run changes of it.

    Returns:
      The exit status: 0 if the node did its work, now or in an earlier attempt, or was served from the cache; 1 if it failed; 2
      if the configuration asks for what cannot be done.
    """
    prepare_environment()
    log_to_stderr()
    try:
        if run_id.startswith("{{"):
            # All runs would be one, whose work was done when the first had ended.
            raise ConfigurationError(
                f"Kubeflow has left {run_id} where the id of the run should be: its backend must be 2.5.0 or newer."
            )
        config = configuration(text, parameters)
        with (
            interrupted_by_sigterm(),
            own_arguments_hidden(),
            database_lock(config.metadata_location, f"{node} of run {run_id}", _wait),
        ):
            _run(node, run_id, config, text, parameters)
    except Exception as error:  # the one place where every failure becomes a sentence
        traceback.print_exception(error)
        failure = failures.explain(error)
        click.echo(f"{node} failed: {failure.message}", err=True)
        return failure.exit_status
    return 0


def _run(node: str, run_id: str, undated: PipelineConfig, text: str, parameters: Parameters) -> None:
    run = SharedRun(open_store(undated.metadata_location), undated.name, run_id)
    date = run.join(node, undated.pipeline_root, parse_run_date(parameters.run_date))
    try:
        config = configuration(text, parameters, date)
        preflight.check(config)
        _launch(node, run_id, config)
    except BaseException as error:
        # The error that matters is the first one, and a server may have hung up during the hours of a training.
        with suppress(Exception):
            reconnected = SharedRun(open_store(undated.metadata_location), undated.name, run_id)
            reconnected.fail(node, failures.explain(error).message if isinstance(error, Exception) else _KILLED)
        raise


def _launch(node: str, run_id: str, config: PipelineConfig) -> None:
    # Many seconds, so not before the configuration is known to be good.
    from tfx.dsl.compiler import constants
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.orchestration.portable import runtime_parameter_utils

    from pipelines.local.nodes import launch_node
    from pipelines.pipeline import create_pipeline

    log_to_stderr()  # absl replaces the handlers of the root logger when TFX is imported
    pipeline = Compiler().compile(create_pipeline(config))
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in pipeline.nodes}
    if node not in nodes:
        raise ConfigurationError(f"There is no component {node}; there are {', '.join(nodes)}.")
    run = SharedRun(open_store(config.metadata_location), config.name, run_id)
    if run.is_finished(node):
        _log.info("An earlier attempt has finished %s in run %s.", node, run_id)
    else:
        run.require(nodes[node].upstream_nodes)
        for execution in run.forget_attempts(node):
            _remove_outputs(f"{config.pipeline_root}/{node}", execution)
        result = launch_node(pipeline, nodes[node], config.metadata_location)
        _log.info("%s of run %s: %s, execution %d.", node, run_id, result.state, result.execution_id)
    SharedRun(open_store(config.metadata_location), config.name, run_id).succeed(list(nodes))


def _remove_outputs(directory: str, execution: int) -> None:
    """What a killed attempt left half written would stand in the way of the next: the launcher gives both the same places."""
    from tfx.dsl.io import fileio

    for leftover in [*fileio.glob(f"{directory}/*/{execution}"), *fileio.glob(f"{directory}/.system/*/{execution}")]:
        fileio.rmtree(leftover)


@contextmanager
def _wait(reason: str) -> Iterator[None]:
    _log.info(reason)
    yield


@click.command()
@click.option("--node", required=True, help="The component, e.g. Trainer.")
@click.option("--run-id", required=True, help="The run, the same for all of its steps.")
@click.option("--configuration", "text", required=True, help="What `tfx-vae kubeflow compile` wrote into the pipeline.")
@click.option("--epochs", type=int, required=True)
@click.option("--latent-dim", type=int, required=True)
@click.option("--beta", type=float, required=True)
@click.option("--dataset", default="")
@click.option("--run-date", default="", help="What {run_date} stands for.")
def main(node: str, run_id: str, text: str, epochs: int, latent_dim: int, beta: float, dataset: str, run_date: str) -> None:
    """Run one component of the pipeline, as a step on Kubeflow does."""
    sys.exit(run_node(node, run_id, text, Parameters(epochs, latent_dim, beta, dataset, run_date)))


if __name__ == "__main__":
    main()
