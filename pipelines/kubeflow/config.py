"""How the pipeline runs on Kubeflow."""

import re
from pathlib import Path

from pydantic import Field, field_validator

from components.settings import Section


class StepConfig(Section):
    """What one step asks of the cluster; null takes what `kubeflow.every_step` says."""

    cpu: str | None = None
    """Processors, as Kubernetes writes them: `2`, `500m`."""

    memory: str | None = None
    """Memory, which is also its limit: `4Gi`."""

    gpu: int | None = Field(default=None, ge=0, le=64)
    """Graphics processors."""

    retries: int | None = Field(default=None, ge=0, le=20)
    """How often a failed step is tried again; what was finished is not done again."""

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
        """This one, with the gaps filled from another."""
        return StepConfig(**(defaults.model_dump() | self.model_dump(exclude_none=True)))


class EveryStepConfig(StepConfig):
    """What a step asks of the cluster unless `kubeflow.steps` says otherwise; null asks for nothing."""

    cpu: str | None = "1"
    """Processors, as Kubernetes writes them: `2`, `500m`."""

    memory: str | None = "4Gi"
    """Memory, which is also its limit."""

    gpu: int | None = Field(default=0, ge=0, le=64)
    """Graphics processors."""

    retries: int | None = Field(default=2, ge=0, le=20)
    """How often a failed step is tried again; what was finished is not done again."""


class KubeflowConfig(Section):
    """Kubeflow Pipelines: where it is, and what each step asks of the cluster."""

    image: str | None = None
    """The image that every step runs in, `REPOSITORY/NAME:TAG`: see `Dockerfile`."""

    endpoint: str | None = None
    """The address of Kubeflow Pipelines, `https://HOST`; null asks the environment (`KF_PIPELINES_ENDPOINT`), then the
    cluster that this process runs in, then kubectl's configuration."""

    namespace: str | None = None
    """The profile's namespace where Kubeflow has several users; null where it has one."""

    experiment: str | None = None
    """The experiment that runs are filed under; null is the name of the pipeline."""

    service_account: str | None = "tfx-vae"
    """Whom steps run as; null is Kubeflow's own account."""

    volume_claim: str | None = "tfx-vae"
    """The ReadWriteMany volume that steps share; null mounts none, and then `runtime.root` must be shared in some other way."""

    mount_path: Path = Path("/mnt/tfx-vae")
    """Where the volume is mounted: relative `runtime.root`, `data.data_dir` and `pusher.serving_dir` lie on it."""

    metadata_secret: str | None = "tfx-vae-metadata"
    """The secret whose keys `url` and `password` say where ML Metadata is; null where `metadata.url` does."""

    every_step: EveryStepConfig = EveryStepConfig()
    """What a step asks for unless `steps` says otherwise."""

    steps: dict[str, StepConfig] = Field(default_factory=dict)
    """What single components ask for, by name: `{Trainer: {cpu: "4", memory: 8Gi, gpu: 1}}`."""

    timeout_seconds: float = Field(default=60, gt=0)
    """How long to wait for an answer of Kubeflow Pipelines."""
