"""The configuration section `runtime.beam`."""

import json
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from components.settings import Section

BEAM_RUNNERS: Final = (
    "FnApiRunner", "FlinkRunner", "SparkRunner", "DataflowRunner", "DirectRunner", "PrismRunner", "PortableRunner",
    "BundleBasedDirectRunner", "SwitchingDirectRunner", "InteractiveRunner", "KafkaStreamsRunner", "TestDirectRunner",
    "TestDataflowRunner",
)  # fmt: skip
"""As Beam names them."""

PORTABLE_RUNNERS: Final = ("FlinkRunner", "SparkRunner", "PortableRunner")
"""Those that a job server of Beam passes jobs to."""

WORKER_COMMAND: Final = Path(sys.prefix) / "bin" / "tfx-vae-beam-worker"

_ADDRESS: Final = re.compile(r"[^\s/:]+:[0-9]{1,5}")
_URI: Final = re.compile(r"[a-z0-9]+://\S+")


class Environment(StrEnum):
    """Who starts the workers, which run this project's code for the engine."""

    EXTERNAL = "external"
    PROCESS = "process"
    LOOPBACK = "loopback"
    DOCKER = "docker"


class BeamConfig(Section):
    """Which runner does the work of Beam: [scale.md](scale.md)."""

    runner: str = "FnApiRunner"
    """Any runner that Beam knows: `FnApiRunner` (in this process), `flink`, `spark`, `dataflow`, ..., or the full name of a
    runner's class."""

    job_server: str | None = None
    """`HOST:PORT` of Beam's job server for Flink or Spark. Null leaves it to Beam, which downloads one and starts it with
    Java."""

    environment: Environment = Environment.EXTERNAL
    """With a job server, who starts the workers: `external` is a pool that listens at `workers`, `process` the engine, by the
    command `tfx-vae-beam-worker` on its own machines, `loopback` this process, `docker` the engine, from `image`."""

    workers: str = "localhost:50000"
    """`HOST:PORT` where `tfx-vae beam-worker` listens, as the engine's machines reach it; `localhost` is each of them
    itself."""

    image: str | None = None
    """The workers' container image: for `environment: docker`, and for Dataflow."""

    parallelism: int | None = Field(default=None, ge=1)
    """How many workers an engine uses at the same time; null is the engine's default. Spark takes it from its job server, not
    from here."""

    staging: str | None = None
    """URI of a directory for the engine's temporary files: `gs://BUCKET/DIRECTORY` for Dataflow."""

    options: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    """Further options of the runner, without dashes: `{flink_master: "localhost:8081", max_parallelism: 128}`; null makes a
    flag without a value."""

    @field_validator("runner")
    @classmethod
    def _is_known(cls, runner: str) -> str:
        names = {name.lower(): name for name in BEAM_RUNNERS}
        known = names.get(runner.lower()) or names.get(f"{runner.lower()}runner")
        if known is None and not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", runner):
            raise ValueError(f"must be one of {', '.join(BEAM_RUNNERS)}, or the full name of a class, package.module.Class")
        return known or runner

    @field_validator("job_server", "workers")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None and not _ADDRESS.fullmatch(address):
            raise ValueError("must be HOST:PORT, such as localhost:8082")
        return address

    @field_validator("staging")
    @classmethod
    def _is_a_uri(cls, uri: str | None) -> str | None:
        if uri is not None and not _URI.fullmatch(uri):
            raise ValueError("must be a URI such as gs://BUCKET/DIRECTORY")
        return uri

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.job_server is not None and self.runner not in PORTABLE_RUNNERS:
            raise ValueError(f"runtime.beam.job_server: {self.runner} has none; choose runtime.beam.runner flink or spark")
        if self.parallelism is not None and self.runner == "SparkRunner":
            raise ValueError(
                "runtime.beam.parallelism: Beam's job server for Spark decides it when it starts (SPARK_CORES of "
                "scripts/spark.sh); remove the setting"
            )
        if self.job_server is not None and self.environment is Environment.DOCKER and self.image is None:
            raise ValueError("runtime.beam.environment: docker needs runtime.beam.image, the workers' container image")
        if twice := sorted(set(self.options) & {name for name, _ in self._typed_options()}):
            raise ValueError(f"runtime.beam.options.{twice[0]} is decided by the other settings of runtime.beam; remove it")
        return self

    def pipeline_args(self) -> list[str]:
        """The options as Beam takes them."""
        options = dict(self._typed_options()) | self.options
        return [f"--runner={self.runner}", *(_flag(name, value) for name, value in options.items() if value is not False)]

    def _typed_options(self) -> Iterator[tuple[str, str | int]]:
        if self.job_server is not None:
            yield "job_endpoint", self.job_server
            yield "environment_type", self.environment.upper()
            if self.environment is not Environment.LOOPBACK:
                yield "environment_config", self._environment_config()
        if self.parallelism is not None:
            yield ("max_num_workers" if self.runner == "DataflowRunner" else "parallelism"), self.parallelism
        if self.staging is not None:
            yield "temp_location", self.staging
        if self.image is not None:
            yield "sdk_container_image", self.image
        # Without it any other option makes every component build a package of TFX first, which needs the network.
        elif (self.job_server is not None or self.runner == "FnApiRunner") and "sdk_container_image" not in self.options:
            yield "sdk_container_image", "none"

    def _environment_config(self) -> str:
        match self.environment:
            case Environment.PROCESS:
                return json.dumps({"command": str(WORKER_COMMAND)})
            case Environment.DOCKER:
                return str(self.image)
        return self.workers


def _flag(name: str, value: Any) -> str:
    return f"--{name}" if value is None or value is True else f"--{name}={value}"
