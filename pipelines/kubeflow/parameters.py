"""What a step receives: the configuration as text, and the parameters, which may change from run to run."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from components.bucket import SCHEME
from components.errors import ConfigurationError
from pipelines.config import PipelineConfig, validate

RUN_DATE: Final = "{run_date}"
"""Replaced by the date of the run in every text of the section `data`."""


@dataclass(frozen=True)
class Parameters:
    """What may change from run to run; the defaults are the configuration's values.

    Attributes:
      epochs: `trainer.epochs`.
      latent_dim: `model.latent_dim`.
      beta: `model.beta`.
      dataset: `data.dataset`; empty where the configuration names a `data.directory`.
      run_date: What replaces `{run_date}`, as 2026-01-31; empty is the day on which the run began, in UTC.
    """

    epochs: int
    latent_dim: int
    beta: float
    dataset: str
    run_date: str = ""

    @classmethod
    def of(cls, config: PipelineConfig) -> "Parameters":
        """What the configuration says."""
        return cls(config.trainer.epochs, config.model.latent_dim, config.model.beta, config.data.dataset or "")

    def changed(self, words: tuple[str, ...]) -> "Parameters":
        """Reads `name=value` as typed on a command line.

        Raises:
          ConfigurationError: There is no such parameter, or its value is not of its type.
        """
        values = asdict(self)
        for word in words:
            name, separator, text = word.partition("=")
            if not separator or name not in values:
                raise ConfigurationError(f"--param {word}: must have the form NAME=VALUE with a NAME of {', '.join(values)}.")
            try:
                values[name] = type(values[name])(text)
            except ValueError as error:
                kind = {int: "a whole number", float: "a number"}[type(values[name])]
                raise ConfigurationError(f"--param {word}: {name} must be {kind}.") from error
        return Parameters(**values)


def as_text(config: PipelineConfig) -> str:
    """The configuration as a step receives it: JSON, with every default, and relative paths as they are.

    Of the section `kubeflow` a step needs only the volume, and how often it is tried again.

    In one line, because KFP writes the defaults of parameters into a comment of one line.

    Args:
      config: Loaded with `base=Path()`, so that its relative paths are still that. They start from the step's working
        directory, the project within the image; but what a run writes is on the shared volume.
    """
    values = config.model_dump(mode="json", exclude={"kubeflow"})
    steps = {name: {"retries": step.retries} for name, step in config.kubeflow.steps.items() if step.retries is not None}
    volume = config.model_dump(mode="json", include={"kubeflow": {"volume_claim", "mount_path"}})["kubeflow"]
    values["kubeflow"] = {**volume, "every_step": {"retries": config.kubeflow.every_step.retries}, "steps": steps}
    if config.kubeflow.volume_claim is not None:
        mount = config.kubeflow.mount_path
        for section, key in (("runtime", "root"), ("data", "data_dir"), ("pusher", "serving_dir")):
            if values[section][key] is not None and not values[section][key].startswith(SCHEME):
                values[section][key] = str(mount / values[section][key])
    return json.dumps(values)


def configuration(text: str, parameters: Parameters | None, run_date: datetime.date | None = None) -> PipelineConfig:
    """The configuration of a run, from what each of its steps receives.

    Args:
      text: From `as_text`.
      parameters: Of the run; None leaves what was compiled.
      run_date: What replaces `{run_date}`; None leaves it.

    Returns:
      The configuration, with absolute paths.

    Raises:
      ConfigurationError: A parameter is out of range, or the text was tampered with.
    """
    try:
        values = json.loads(text)
        if parameters is not None:
            values["trainer"]["epochs"] = parameters.epochs
            values["model"] |= {"latent_dim": parameters.latent_dim, "beta": parameters.beta}
        if parameters is not None and parameters.dataset:
            values["data"] |= {"dataset": parameters.dataset, "directory": None, "images": None}
        if run_date is not None:
            values["data"] = _dated(values["data"], run_date.isoformat())
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigurationError("The pipeline's parameter `configuration` is damaged: compile the pipeline again.") from error
    return validate(values, "the pipeline's parameters", base=Path.cwd())


def parse_run_date(text: str) -> datetime.date | None:
    """A date; None for an empty text.

    Raises:
      ConfigurationError: It is no date.
    """
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"run_date: {text!r} is not a date: write it as 2026-01-31, or leave it empty.") from error


def _dated(value: Any, date: str) -> Any:
    if isinstance(value, str):
        return value.replace(RUN_DATE, date)
    if isinstance(value, Mapping):
        return {key: _dated(inner, date) for key, inner in value.items()}
    return value
