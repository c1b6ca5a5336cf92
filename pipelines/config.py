"""The configuration of a run: read from YAML and `--set`, validated once, frozen.

Each section is defined beside the component that it configures (`components/*/config.py`).
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator

from components.bucket import SCHEME
from components.drift.config import DriftConfig
from components.errors import ConfigurationError
from components.evaluator.config import EvaluatorConfig
from components.example_gen.config import DataConfig
from components.infra_validator.config import InfraValidatorConfig
from components.models.config import ModelConfig
from components.pusher.config import PusherConfig
from components.report.config import ReportConfig
from components.settings import Place, Section
from components.trainer.config import CustomConfig, TrainerConfig, check_prior_epochs
from components.transform.config import TransformConfig
from components.tuner.config import TunerConfig
from components.tuner.space import check_search
from components.validation.config import ValidationConfig
from pipelines.beam.config import BeamConfig
from pipelines.kubeflow.config import KubeflowConfig
from pipelines.mlmd.location import DATABASE_NAME, Location, MetadataConfig, absolute_url, locate, real_path
from pipelines.strict_yaml import YamlError, parse_yaml, read_yaml

_SECTIONS: Final = 10
"""More than there are, one in another."""
_NAMED_PROBLEMS: Final = 10
_SHOWN: Final = 200
"""Characters of what was given."""


class RuntimeConfig(Section):
    """Where a run writes, and how it computes."""

    root: Place = Path("runs")
    """Directory of everything that a run writes: a path, or `s3://BUCKET/DIRECTORY` (docs/operations.md)."""

    pipeline_root: str | None = None
    """Where artifacts are written instead of `<root>/pipelines`: `gs://BUCKET/DIRECTORY`, or another URI that both TensorFlow
    and Beam can write to."""

    cache: bool = True
    """Reuse the result of an earlier run for a component whose inputs, parameters and code are unchanged."""

    parallel_nodes: int | None = Field(default=None, ge=1, le=1000)
    """Components that run at the same time on this machine, at most; null is one for each core. FeatureClassifier runs beside
    the Trainer, and InfraValidator beside the Evaluator, if there is memory for both. 1 runs all one after the other."""

    beam: BeamConfig = BeamConfig()
    """The Beam runner and its options."""

    @field_validator("pipeline_root")
    @classmethod
    def _is_a_uri(cls, root: str | None) -> str | None:
        if root is not None and not re.fullmatch(r"[a-z0-9]+://\S+", root):
            raise ValueError("must be a URI such as gs://BUCKET/DIRECTORY; directories follow from runtime.root")
        if root is not None and root.startswith(SCHEME):
            raise ValueError("must not be in S3, which TensorFlow cannot write to: set runtime.root to it instead")
        return root and root.rstrip("/")


class Event(StrEnum):
    """How a run can end."""

    FAILED = "failed"
    NOT_BLESSED = "not_blessed"
    DRIFTED = "drifted"
    BLESSED = "blessed"


class NotifyConfig(Section):
    """Who is told how a run ended. docs/operations.md has examples for e-mail and webhooks."""

    command: str | None = None
    """A shell command, which gets one JSON object on its standard input. A local run starts it on this machine, a run
    on Kubeflow in a step at its end. If the command fails, the log says so; the result of the run does not change."""

    when: tuple[Event, ...] = (Event.FAILED, Event.NOT_BLESSED, Event.DRIFTED)
    """The endings of a run after which the command runs: `failed`, `not_blessed`, `drifted`, `blessed`."""


class PipelineConfig(Section):
    """One pipeline."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    """The pipeline's name, in lower-case letters, digits and dashes. A model is compared with the champion of the same
    name only."""

    data: DataConfig = DataConfig()
    validation: ValidationConfig = ValidationConfig()
    drift: DriftConfig = DriftConfig()
    transform: TransformConfig = TransformConfig()
    model: ModelConfig = ModelConfig()
    trainer: TrainerConfig = TrainerConfig()
    evaluator: EvaluatorConfig = EvaluatorConfig()
    tuner: TunerConfig = TunerConfig()
    infra_validator: InfraValidatorConfig = InfraValidatorConfig()
    report: ReportConfig = ReportConfig()
    pusher: PusherConfig = PusherConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    metadata: MetadataConfig = MetadataConfig()
    notify: NotifyConfig = NotifyConfig()
    kubeflow: KubeflowConfig = KubeflowConfig()

    @model_validator(mode="after")
    def _has_spans_to_choose(self) -> Self:
        windows = {"data.window": self.data.window, "evaluator.test_window": self.evaluator.test_window}
        for key, window in windows.items():
            if window != "latest" and not self.data.has_spans:
                raise ValueError(f"{key} needs {{SPAN}}, or {{YYYY}}, {{MM}} and {{DD}}, in data.images or data.examples")
        return self

    @field_validator("trainer")
    @classmethod
    def _has_a_prior_to_train_with(cls, trainer: TrainerConfig, info: ValidationInfo) -> TrainerConfig:
        if "model" in info.data:
            check_prior_epochs(trainer, info.data["model"])
        return trainer

    @field_validator("tuner")
    @classmethod
    def _can_be_searched(cls, tuner: TunerConfig, info: ValidationInfo) -> TunerConfig:
        if info.data.keys() >= {"data", "model", "trainer", "evaluator"}:
            training = CustomConfig(
                model=info.data["model"],
                trainer=info.data["trainer"],
                binarization=info.data["data"].binarization,
                checkpoint_dir="",
            )
            check_search(tuner, training, info.data["evaluator"].frechet_distance.enabled)
        return tuner

    def training(self, source_digest: str = "") -> CustomConfig:
        """What the Trainer is told."""
        return CustomConfig(
            model=self.model,
            trainer=self.trainer,
            binarization=self.data.binarization,
            checkpoint_dir=str(self.checkpoint_dir),
            source_digest=source_digest,
        )

    @property
    def pipeline_root(self) -> str:
        """Where artifacts are written: a path, or a URI."""
        return f"{self.runtime.pipeline_root or self.runtime.root / 'pipelines'}/{self.name}"

    def settings(self) -> dict[str, Any]:
        """The settings that decide the results of a run, by section, as JSON has them. There is no secret in them."""
        return self.model_dump(
            mode="json", exclude={"metadata": True, "notify": True, "kubeflow": True, "runtime": {"parallel_nodes"}}
        )

    @property
    def metadata_location(self) -> Location:
        """The ML Metadata database, one for all pipelines.

        Raises:
          ConfigurationError: The environment names one that is not understood, or the file with the password cannot be read.
        """
        return locate(self.metadata.url, self.metadata.password_file, self.runtime.root / DATABASE_NAME)

    @property
    def log_dir(self) -> Path:
        """Directory of logs, one per run."""
        return self.runtime.root / "logs" / self.name

    @property
    def checkpoint_dir(self) -> Path:
        """Checkpoints of unfinished trainings."""
        return self.runtime.root / "checkpoints" / self.name

    @property
    def tuning_dir(self) -> Path:
        """The trials of searches, one directory per search."""
        return self.runtime.root / "tuning" / self.name

    @property
    def serving_dir(self) -> Path:
        """TensorFlow Serving's base path."""
        return self.pusher.serving_dir or self.runtime.root / "serving" / self.name

    @property
    def schema_path(self) -> Path:
        """The schema: the configured one, or where the first run writes what it infers."""
        return self.data.schema_path or self.runtime.root / "schemas" / f"{self.name}.pbtxt"

    @property
    def data_dir(self) -> Path:
        """Directory of prepared datasets."""
        return self.data.data_dir or self.runtime.root / "datasets"


def load_config(path: Path, overrides: Sequence[str] = (), base: Path | None = None) -> PipelineConfig:
    """Reads and validates a configuration.

    Args:
      path: A YAML file.
      overrides: `section.key=value`, each value in YAML; later ones win.
      base: What relative paths start from; None is the working directory. A relative one leaves them as they are, for another
        machine. A schema or source files that are not there may be those that are installed with this package.

    Returns:
      The configuration, with absolute paths; of directories that a run writes to, the real ones.

    Raises:
      ConfigurationError: The file cannot be read, or a key, type or range is wrong.
    """
    values = _read_sections(path)
    sources = {}
    for override in overrides:
        key = _apply_override(values, override)
        sources[key] = f"--set {_shortened(override)}"
    return validate(values, str(path), sources, base)


def validate(
    values: Mapping[str, Any], origin: str, sources: Mapping[str, str] | None = None, base: Path | None = None
) -> PipelineConfig:
    """Validates what was read.

    Args:
      values: By section and key, as in the YAML file.
      origin: Where they come from, for messages.
      sources: Where some of them come from instead, by `section.key`.
      base: What relative paths start from; None is the working directory.

    Raises:
      ConfigurationError: A key, type or range is wrong.
    """
    try:
        # JSON's strict mode takes "cosine" for an enumeration and "runs" for a path, but not "3" for an integer.
        config = PipelineConfig.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, origin, sources or {})) from error
    return _with_absolute_paths(config, base or Path.cwd())


def _read_sections(path: Path) -> dict[str, Any]:
    try:
        values = read_yaml(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"The configuration {path} cannot be read: {reason}.") from error
    except YamlError as error:
        raise ConfigurationError(f"{path} {error}") from error
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path} must hold a mapping of sections (data, model, trainer, ...), but does not.")
    return values


def _apply_override(values: dict[str, Any], override: str) -> str:
    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise ConfigurationError(
            f"--set {_shortened(override)} must have the form section.key=value, e.g. --set trainer.epochs=3."
        )
    try:
        value = parse_yaml(text)
    except YamlError as error:
        raise ConfigurationError(f"--set {_shortened(override)} {error}") from error
    *sections, last = key.strip().split(".")
    if len(sections) > _SECTIONS:
        raise ConfigurationError(f"--set {_shortened(override)}: there is no section that deep.")
    target = values
    for section in sections:
        if target.get(section) is None:
            target[section] = {}
        target = target[section]
        if not isinstance(target, dict):
            raise ConfigurationError(f"--set {_shortened(override)}: {section} is a value, not a section.")
    target[last] = value
    return key.strip()


def _explain(error: ValidationError, path: str, sources: Mapping[str, str]) -> str:
    problems = error.errors()
    lines = []
    for problem in problems[:_NAMED_PROBLEMS]:
        key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        source = next((source for name, source in sources.items() if _overlap(key, name)), path)
        explained = _explain_problem(problem)
        # What is wrong between several keys names them itself.
        named = "" if explained.startswith(f"{key}.") else f"{_shortened(key) or 'the configuration'}: "
        lines.append(_printable(f"{named}{explained} (in {source})"))
    if len(problems) > _NAMED_PROBLEMS:
        lines.append(f"and {len(problems) - _NAMED_PROBLEMS:,} more")
    return "\n".join(lines)


def _shortened(text: str) -> str:
    return _printable(text) if len(text) <= _SHOWN else f"{_printable(text[:_SHOWN])}..."


def _printable(text: str) -> str:
    """The text in one line, without what a terminal would obey."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _overlap(key: str, other: str) -> bool:
    """Whether one key is the other, or a section around it."""
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def _explain_problem(problem: Any) -> str:
    location = problem["loc"]
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(known)}"
        return f"there is no such key; {hint}"
    if problem["type"] == "missing":
        return "is missing"
    given = problem["input"]
    if problem["type"] == "string_pattern_mismatch":
        return f"{_shortened(json.dumps(given))} is not allowed: lower-case letters, digits and dashes only, at most 63 of them"
    message = re.sub(r"^(Value error, |Input |(Dictionary|List|Tuple) (?=should))", "", problem["msg"])
    if problem["type"] == "value_error" and isinstance(given, dict):
        return message
    return f"{_shortened(json.dumps(given, default=str))} is not allowed: it {message}"


def _known_keys(location: Sequence[int | str]) -> list[str]:
    section: Any = PipelineConfig
    for part in location:
        fields = section.model_fields if isinstance(section, type) and issubclass(section, BaseModel) else {}
        section = fields[str(part)].annotation if str(part) in fields else _value_type(section)
    return list(section.model_fields) if isinstance(section, type) and issubclass(section, BaseModel) else []


def _value_type(annotation: Any) -> Any:
    """`V` of `dict[str, V]`."""
    arguments = getattr(annotation, "__args__", ())
    return arguments[-1] if arguments else None


def _with_absolute_paths(section: Any, base: Path) -> Any:
    return section.model_copy(update=dict(_absolute_fields(section, base)))


_BUNDLED: Final = Path(__file__).parent / "bundled"

# Recorded in ML Metadata and in cache keys, so each must have one spelling. What is only read may be a link to what changes.
_WRITTEN: Final = ("root", "serving_dir", "data_dir")


def _absolute_fields(section: Section, base: Path) -> Iterator[tuple[str, Any]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            path = base / value
            yield name, real_path(path) if name in _WRITTEN and base.is_absolute() else path
        elif isinstance(value, Section):
            yield name, _with_absolute_paths(value, base)
    if isinstance(section, DataConfig) and base.is_absolute():
        yield from _bundled_files(section, base)
    if isinstance(section, MetadataConfig) and section.url is not None:
        yield "url", absolute_url(section.url, base)


def _bundled_files(data: DataConfig, base: Path) -> Iterator[tuple[str, Path]]:
    """The schema and the source files that are installed with this package, if the working directory has none."""
    for name, path in (("schema_path", data.schema_path), ("manual_dir", data.manual_dir)):
        if path is None or ".." in data.named(path).parts or data.named(base / path).exists():
            continue
        if data.named(_BUNDLED / path).exists():
            yield name, _BUNDLED / path
