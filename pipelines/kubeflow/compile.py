"""Compiles the pipeline for Kubeflow Pipelines: one step a component, in the shape of the DAG.

TFX's own compiler for Kubeflow writes resolvers that only Vertex AI knows (see `vertex.py`). Here each step is a KFP component
that runs one node through TFX's launcher, so that resolvers, caching and blessing are TFX's own, on any Kubeflow."""

import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from components.bucket import ACCOUNT_VARIABLES, is_staged
from components.errors import ConfigurationError
from components.trainer.config import Distribution
from pipelines.config import PipelineConfig
from pipelines.kubeflow.config import KubeflowConfig, StepConfig
from pipelines.kubeflow.parameters import Parameters, as_text
from pipelines.mlmd.location import PASSWORD_VARIABLE, URL_VARIABLE

_GPU: Final = "nvidia.com/gpu"
NOTIFICATION: Final = "Notification"
"""The step that runs `notify.command`."""
TRAINER: Final = "Trainer"
WORKER: Final = "TrainerWorker"
"""And a number: a step that trains together with the Trainer."""
_RETRY_AFTER: Final = "30s"
_RETRY_WITHIN_SECONDS: Final = 30 * 24 * 3600
"""Time from the start of the first attempt until Argo Workflows gives up on a step, and kills the running attempt."""


def compile_pipeline(config: PipelineConfig, output: Path) -> None:
    """Writes the pipeline as Kubeflow Pipelines takes it: a YAML file of pipeline spec 2.1.0.

    Args:
      config: Loaded with `base=Path()`, so that its relative paths are still that; see `as_text`.
      output: The file, which ends in `.yaml`.

    Raises:
      ConfigurationError: See `check_compilable`; or there are resources for a component that does not exist.
    """
    check_compilable(config, output)
    from kfp import compiler, dsl

    from pipelines.kubeflow import steps

    upstream = upstream_of_nodes(config)
    _refuse_unknown_steps(config.kubeflow, [*upstream, NOTIFICATION] if config.notify.command else list(upstream))
    defaults = Parameters.of(config)

    @dsl.pipeline(name=config.name, description=f"{config.name}: trains, judges and pushes {config.model.kind}s with TFX.")
    def pipeline(
        configuration: str = as_text(config),
        epochs: int = defaults.epochs,
        latent_dim: int = defaults.latent_dim,
        beta: float = defaults.beta,
        dataset: str = defaults.dataset,
        run_date: str = defaults.run_date,
    ) -> None:
        image = str(config.kubeflow.image)
        with _exit_handler(config, configuration):
            tasks: dict[str, Any] = {}
            for node, before in upstream.items():
                tasks[node] = _component(steps.OF_NODE.get(node, steps.run_node), node, image)(
                    node=node,
                    run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                    configuration=configuration,
                    epochs=epochs,
                    latent_dim=latent_dim,
                    beta=beta,
                    dataset=dataset,
                    run_date=run_date,
                )
                tasks[node].after(*(tasks[name] for name in before))
                _describe(tasks[node], node, config.kubeflow)
            for index in range(1, config.trainer.workers):
                worker = _component(steps.run_worker, WORKER, image)(
                    index=index, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, configuration=configuration
                )
                worker.after(*(tasks[name] for name in upstream[TRAINER]))
                _describe(worker, f"{WORKER}{index}", config.kubeflow, config.kubeflow.step(TRAINER))

    spec = pipeline.pipeline_spec
    for dag in [spec.root.dag, *(component.dag for component in spec.components.values())]:
        for task in dag.tasks.values():
            if task.HasField("retry_policy"):
                # The SDK allows one hour at most, and a training that takes longer would not be retried.
                task.retry_policy.backoff_max_duration.FromSeconds(_RETRY_WITHIN_SECONDS)
    output.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, str(output))


def check_compilable(config: PipelineConfig, output: Path) -> None:
    """Refuses what neither Kubeflow nor Vertex AI can run.

    Raises:
      ConfigurationError: There is no image, the file's name is wrong, or a training on several machines or Docker is asked for.
    """
    if config.kubeflow.image is None:
        raise ConfigurationError("kubeflow.image: no image is named; pass --image REPOSITORY/NAME:TAG (see Dockerfile).")
    if output.suffix != ".yaml":
        raise ConfigurationError(f"--output {output}: the name of a compiled pipeline must end in .yaml.")
    if config.trainer.distribution is Distribution.MULTI_WORKER and config.trainer.workers == 1:
        raise ConfigurationError(
            "trainer.distribution: multi_worker trains on several machines, but a step runs on one: set trainer.workers to the "
            "number of steps that train together, or trainer.distribution to mirrored, which uses all of "
            "kubeflow.steps.Trainer.gpu, or to none."
        )
    if config.trainer.workers > 1 and is_staged(config.runtime.root):
        raise ConfigurationError(
            "trainer.workers: steps that train together meet in files that they share, and S3 has none; set it to 1, or "
            "runtime.root to a directory of the volume."
        )
    if config.infra_validator.docker:
        raise ConfigurationError("infra_validator.docker: a step has no Docker; set it to false, which keeps the check itself.")


def upstream_of_nodes(config: PipelineConfig) -> dict[str, list[str]]:
    """The components in topological order, and those that each waits for."""
    from components import private_tfx
    from pipelines.pipeline import create_pipeline

    nodes = [node.pipeline_node for node in private_tfx.compile_pipeline(create_pipeline(config)).nodes]
    return {node.node_info.id: sorted(node.upstream_nodes) for node in nodes}


def _exit_handler(config: PipelineConfig, configuration: Any) -> AbstractContextManager[Any]:
    """The step that runs `notify.command` after the others, even if one failed; nothing if there is no such command."""
    from kfp import dsl

    from pipelines.kubeflow.steps import run_notification

    if not config.notify.command:
        return nullcontext()
    task = _component(run_notification, NOTIFICATION, str(config.kubeflow.image))(
        run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, configuration=configuration
    )
    _describe(task, NOTIFICATION, config.kubeflow)
    return dsl.ExitHandler(task, name="steps")


def _component(function: Callable[..., None], name: str, image: str) -> Any:
    from kfp import dsl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        component = dsl.component(function, base_image=image, install_kfp_package=False)
    # KFP names steps after their function, which is the same for all.
    component.component_spec.name = name
    return component


def _describe(task: Any, node: str, config: KubeflowConfig, step: StepConfig | None = None) -> None:
    from kfp import kubernetes

    task.set_display_name(node)
    task.set_caching_options(False)  # it would not see that data or models have changed; TFX's own does
    step = step or config.step(node)
    _request(task, step)
    _place(task, step)
    if config.image_pull_policy is not None:
        kubernetes.set_image_pull_policy(task, config.image_pull_policy)
    if config.image_pull_secrets:
        # Not left to the service account: schedules of KFP 2.5.0 to 2.16.1 do not use it (kubeflow/pipelines 13311).
        kubernetes.set_image_pull_secrets(task, list(config.image_pull_secrets))
    if config.volume_claim is not None:
        kubernetes.mount_pvc(task, pvc_name=config.volume_claim, mount_path=str(config.mount_path))
    if config.metadata_secret is not None:
        keys = {"url": URL_VARIABLE, "password": PASSWORD_VARIABLE}
        kubernetes.use_secret_as_env(task, secret_name=config.metadata_secret, secret_key_to_env=keys)
    if config.bucket_secret is not None:
        names = {name: name for name in ACCOUNT_VARIABLES}
        kubernetes.use_secret_as_env(task, secret_name=config.bucket_secret, secret_key_to_env=names, optional=True)


def _request(task: Any, step: StepConfig) -> None:
    if step.cpu is not None:
        task.set_cpu_request(step.cpu)
    if step.memory is not None:
        # KFP's SDK accepts fewer ways of writing it than Kubernetes.
        memory = step.memory if re.fullmatch(r"\d+([EPTGM]i?|Ki)?", step.memory) else str(step.memory_bytes())
        task.set_memory_request(memory)
        task.set_memory_limit(memory)
    if step.gpu:
        task.set_accelerator_type(_GPU)
        task.set_accelerator_limit(step.gpu)
    if step.retries:
        task.set_retry(step.retries, backoff_duration=_RETRY_AFTER)


def _place(task: Any, step: StepConfig) -> None:
    """Where the step may run, for how long, and how its pod is described."""
    from kfp import kubernetes

    if step.timeout_seconds is not None:
        kubernetes.set_timeout(task, step.timeout_seconds)
    for key, value in (step.node_selector or {}).items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in step.tolerations or ():
        kubernetes.add_toleration(task, **toleration.model_dump())
    for key, value in (step.labels or {}).items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in (step.annotations or {}).items():
        kubernetes.add_pod_annotation(task, key, value)


def _refuse_unknown_steps(config: KubeflowConfig, nodes: list[str]) -> None:
    unknown: Mapping[str, StepConfig] = {name: step for name, step in config.steps.items() if name not in nodes}
    if unknown:
        raise ConfigurationError(f"kubeflow.steps: there is no component {', '.join(unknown)}; there are {', '.join(nodes)}.")
