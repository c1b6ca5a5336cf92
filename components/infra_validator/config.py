"""What a model must be able to do before it is pushed."""

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from components.settings import Section


class InfraValidatorConfig(Section):
    """The check before pushing: a fresh process with TensorFlow alone loads the exported model as TensorFlow Serving does, and
    answers the warm-up requests as the Trainer did."""

    enabled: bool = True
    """Check; without, every blessed model is pushed."""

    time_limit_seconds: float = Field(default=300.0, gt=0)
    """What the whole process may take, the start of TensorFlow included, which a busy machine may need minutes for."""

    memory_limit_gb: float = Field(default=4.0, gt=0)
    """Gigabytes (2^30) of memory that the process may have at any time, TensorFlow's own included."""

    tolerance: float = Field(default=0.01, ge=0)
    """How far an answer may be from the Trainer's, as a part of the largest value of that output, or of 1 if that is more:
    another processor rounds differently."""

    docker: bool = False
    """Also have TFX's own InfraValidator load the model into TensorFlow Serving, in a container on this machine."""

    docker_tag: str = "latest"
    """Which image: `tensorflow/serving:<docker_tag>`."""

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
