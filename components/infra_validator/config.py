"""The configuration section `infra_validator`."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from components.settings import Section


class InfraValidatorConfig(Section):
    """The check before pushing: a fresh process loads the exported model as TensorFlow Serving does, and has to answer the
    warm-up requests as the Trainer did."""

    enabled: bool = True
    """Whether to check; if not, every blessed model is pushed."""

    time_limit_seconds: float = Field(default=300.0, gt=0, le=1_000_000)
    """Time limit of the process, including the start of TensorFlow, which takes minutes on a busy machine."""

    memory_limit_gb: float = Field(default=4.0, gt=0)
    """Limit of the process's memory, including TensorFlow's own, in gigabytes (2^30)."""

    tolerance: float = Field(default=0.01, ge=0)
    """Largest difference between an answer and the Trainer's, relative to the largest value of that output, or to 1 if that is
    more: another processor rounds differently."""

    docker: bool = False
    """Also run TFX's own InfraValidator, which loads the model into TensorFlow Serving in a container on this machine."""

    docker_tag: str = "latest"
    """The container's image: `tensorflow/serving:<docker_tag>`."""

    @field_validator("docker_tag")
    @classmethod
    def _is_a_tag(cls, tag: str) -> str:
        if not re.fullmatch(r"\w[\w.-]{0,127}", tag, re.ASCII):
            raise ValueError("must be a tag of the image tensorflow/serving, such as latest or 2.19.1")
        return tag

    @model_validator(mode="after")
    def _is_checked_at_all(self) -> Self:
        if self.docker and not self.enabled:
            raise ValueError("docker adds to the check that enabled=false leaves out: set enabled to true, or docker to false")
        return self
