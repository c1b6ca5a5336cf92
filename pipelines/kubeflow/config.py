"""The configuration section `kubeflow`."""

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings import Section

_MEMORY: Final = re.compile(r"(?P<number>\d+(\.\d+)?|\.\d+)(?P<unit>[EPTGM]i?|Ki|k|m|[eE]\d+)?")
_SUFFIXES: Final = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_LABEL: Final = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


class Toleration(Section):
    """A taint of machines that a step accepts."""

    key: str | None = None
    """The taint's key; null with `operator: Exists` is every taint."""

    operator: Literal["Equal", "Exists"] = Field(default="Equal", validate_default=True)
    """Whether the taint must have `value`, or any value."""

    value: str | None = None
    """The taint's value."""

    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; null is every effect."""

    @field_validator("operator")
    @classmethod
    def _has_a_key(cls, operator: str, info: ValidationInfo) -> str:
        if operator == "Equal" and info.data.get("key") is None:
            raise ValueError("needs a key, or must be Exists")
        return operator


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

    timeout_seconds: int | None = Field(default=None, ge=1)
    """Time after which an attempt is stopped, from the moment at which a machine accepts its pod; it includes image pulls."""

    node_selector: dict[str, str] | None = None
    """Labels that the machine must have: `{cloud.google.com/gke-accelerator: nvidia-l4}`."""

    tolerations: tuple[Toleration, ...] | None = None
    """Taints of machines that the step accepts: `[{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]`."""

    labels: dict[str, str] | None = None
    """Labels of the pod."""

    annotations: dict[str, str] | None = None
    """Annotations of the pod."""

    @field_validator("cpu")
    @classmethod
    def _is_a_number_of_processors(cls, cpu: str | None) -> str | None:
        if cpu is not None and not re.fullmatch(r"\d+(\.\d+)?|\d+m", cpu):
            raise ValueError('must be a number of processors as Kubernetes writes it, such as "2", "0.5" or "500m"')
        return cpu

    @field_validator("memory")
    @classmethod
    def _is_an_amount_of_memory(cls, memory: str | None) -> str | None:
        if memory is not None and not _MEMORY.fullmatch(memory):
            raise ValueError('must be an amount of memory as Kubernetes writes it, such as "4Gi", "1.5Gi" or "512Mi"')
        return memory

    @field_validator("labels", "node_selector", "annotations")
    @classmethod
    def _has_keys_of_kubernetes(cls, values: dict[str, str] | None, info: ValidationInfo) -> dict[str, str] | None:
        for key, value in (values or {}).items():
            if not _LABEL.fullmatch(key):
                raise ValueError(f"{key} is not a key as Kubernetes writes it, such as team or example.org/team")
            if info.field_name != "annotations" and value and not (_LABEL.fullmatch(value) and "/" not in value):
                raise ValueError(f"{value} must have at most 63 letters, digits, dashes, dots and underscores")
        return values

    def memory_bytes(self) -> int | None:
        """Memory in bytes, rounded up."""
        if self.memory is None:
            return None
        found = _MEMORY.fullmatch(self.memory)
        assert found is not None  # validated above
        return math.ceil(Decimal(found["number"]) * _factor(found["unit"] or ""))

    def over(self, defaults: "StepConfig") -> "StepConfig":
        """This one, with null replaced by the value of `defaults`."""
        return StepConfig(**(defaults.model_dump() | self.model_dump(exclude_none=True)))


def _factor(unit: str) -> Decimal:
    if unit == "m":
        return Decimal("0.001")
    if unit[1:].isdigit():
        return Decimal(10) ** int(unit[1:])
    if unit.endswith("i"):
        return Decimal(1024) ** _SUFFIXES[unit[0].replace("K", "k")]
    return Decimal(1000) ** _SUFFIXES[unit]


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

    timeout_seconds: int | None = Field(default=86_400, ge=1)
    """Time after which an attempt is stopped, from the moment at which a machine accepts its pod; it includes image pulls."""


class KubeflowConfig(Section):
    """Kubeflow Pipelines: its address, and what steps request from the cluster."""

    image: str | None = None
    """The image of every step, `REPOSITORY/NAME:TAG`, built from `Dockerfile`."""

    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled; null is the cluster's rule: if it is not there yet, and always for the tag `latest`."""

    image_pull_secrets: tuple[str, ...] = ()
    """Secrets with passwords of the registry."""

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

    bucket_secret: str | None = None
    """Secret with the account of a bucket, for a `runtime.root` in S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and what
    else of AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL it needs; null takes the rights of the service account."""

    every_step: EveryStepConfig = EveryStepConfig()
    """What a step requests unless `steps` says otherwise."""

    steps: dict[str, StepConfig] = Field(default_factory=dict)
    """What single components request: `{Trainer: {cpu: "4", memory: 8Gi, gpu: 1}}`."""

    timeout_seconds: float = Field(default=60, gt=0, le=86_400)
    """How long to wait for an answer from Kubeflow Pipelines."""

    workers_wait_seconds: float = Field(default=1800, gt=0, le=86_400)
    """How long the Trainer and its workers (`trainer.workers`) wait for each other's machines."""

    def step(self, node: str) -> StepConfig:
        """What the step of a node requests."""
        return self.steps.get(node, StepConfig()).over(self.every_step)
