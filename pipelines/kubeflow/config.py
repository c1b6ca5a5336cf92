"""The configuration section `kubeflow`."""

import re
from pathlib import Path

from pydantic import Field, field_validator

from components.settings import Section


class StepConfig(Section):
    """What one step requests from the cluster; null takes the value of `kubeflow.every_step`."""

    cpu: str | None = None
    """Processors, in Kubernetes' notation: `2`, `500m`."""

    memory: str | None = None
    """Memory, request and limit: `4Gi`."""

    gpu: int | None = Field(default=None, ge=0, le=64)
    """GPUs."""

    retries: int | None = Field(default=None, ge=0, le=20)
    """How often a failed step is retried; finished work is not repeated."""

    @field_validator("cpu")
    @classmethod
    def _is_a_number_of_processors(cls, cpu: str | None) -> str | None:
        if cpu is not None and not re.fullmatch(r"\d+(\.\d+)?|\d+m", cpu):
            raise ValueError('must be a number of processors as Kubernetes writes it, such as "2", "0.5" or "500m"')
        return cpu

    @field_validator("memory")
    @classmethod
    def _is_an_amount_of_memory(cls, memory: str | None) -> str | None:
        if memory is not None and not re.fullmatch(r"\d+(\.\d+)?([EPTGMK]i?)?", memory):
            raise ValueError('must be an amount of memory as Kubernetes writes it, such as "4Gi" or "512Mi"')
        return memory

    def over(self, defaults: "StepConfig") -> "StepConfig":
        """This one, with null replaced by the value of `defaults`."""
        return StepConfig(**(defaults.model_dump() | self.model_dump(exclude_none=True)))


class EveryStepConfig(StepConfig):
    """What a step requests from the cluster unless `kubeflow.steps` says otherwise; null requests nothing."""

    cpu: str | None = "1"
    """Processors, in Kubernetes' notation: `2`, `500m`."""

    memory: str | None = "4Gi"
    """Memory, request and limit."""

    gpu: int | None = Field(default=0, ge=0, le=64)
    """GPUs."""

    retries: int | None = Field(default=2, ge=0, le=20)
    """How often a failed step is retried; finished work is not repeated."""


class KubeflowConfig(Section):
    """Kubeflow Pipelines: its address, and what steps request from the cluster."""

    image: str | None = None
    """The image of every step, `REPOSITORY/NAME:TAG`, built from `Dockerfile`."""

    endpoint: str | None = None
    """Address of Kubeflow Pipelines, `https://HOST`; null is `KF_PIPELINES_ENDPOINT`, the cluster that this process runs in, or
    that of kubectl."""

    namespace: str | None = None
    """Namespace of the profile, if Kubeflow has several users."""

    experiment: str | None = None
    """Experiment of the runs; null is the name of the pipeline."""

    service_account: str | None = "tfx-vae"
    """Service account of the steps; null is Kubeflow's default."""

    volume_claim: str | None = "tfx-vae"
    """The ReadWriteMany volume that steps share; null mounts none: `runtime.root` must then be shared in another way."""

    mount_path: Path = Path("/mnt/tfx-vae")
    """Where the volume is mounted; `runtime.root`, `data.data_dir` and `pusher.serving_dir` are relative to it."""

    metadata_secret: str | None = "tfx-vae-metadata"
    """Secret with the keys `url` and `password` of ML Metadata; null takes `metadata.url`."""

    every_step: EveryStepConfig = EveryStepConfig()
    """What a step requests unless `steps` says otherwise."""

    steps: dict[str, StepConfig] = Field(default_factory=dict)
    """What single components request: `{Trainer: {cpu: "4", memory: 8Gi, gpu: 1}}`."""

    timeout_seconds: float = Field(default=60, gt=0, le=86_400)
    """How long to wait for an answer from Kubeflow Pipelines."""
