"""Settings and results of a run, read from where the components wrote them."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from components.artifacts.champion import BLESSED
from components.artifacts.dataset import CONTENT_DIGEST, DATASET, DATASET_VERSION, SPLITS, VERSION
from components.artifacts.drift import DRIFT, DRIFTED
from components.artifacts.evaluation import read_means
from components.artifacts.history import History, read_history
from components.artifacts.infra_blessing import REFUSAL
from components.artifacts.serving_directory import PUSHED, PUSHED_VERSION
from components.artifacts.training_settings import RecordedSearch, TrainingSettings
from components.artifacts.tuning import HYPERPARAMETERS, read_best_settings, with_settings
from components.bucket import fetch
from pipelines.mlmd import names
from tfx_vae.metadata.entities import Artifact, Direction, Execution, Run, Snapshot
from tfx_vae.metadata.reader import parsed

EXAMPLES: Final = "Examples"
MODEL: Final = "Model"
EVALUATION: Final = "ModelEvaluation"
BLESSING: Final = "ModelBlessing"
INFRA_BLESSING: Final = "InfraBlessing"
PUSHED_MODEL: Final = "PushedModel"
BEST_SETTINGS: Final = "HyperParameters"
DRIFT_VERDICT: Final = "DriftVerdict"
"""Names of types of artifacts."""

CUSTOM_CONFIG: Final = "custom_config"
"""The parameter of Transform, Tuner, Trainer and Pusher that holds what this project tells them."""

ARTIFACT_TYPES: Final = (EXAMPLES, EVALUATION, BLESSING, INFRA_BLESSING, PUSHED_MODEL, BEST_SETTINGS, DRIFT_VERDICT)
ARTIFACT_PROPERTIES: Final = (DATASET, DATASET_VERSION, BLESSED, REFUSAL, PUSHED, PUSHED_VERSION, DRIFTED, DRIFT)
EXECUTION_PROPERTIES: Final = (CUSTOM_CONFIG,)
"""What has to be read for `dataset`, `model`, `metrics`, `blessed`, `refusal`, `pushed_version`, `drifted` and `drift`."""


def dataset(snapshot: Snapshot, executions: Sequence[Execution]) -> dict[str, str] | None:
    """The name and version of the dataset; None if the run did not come that far."""
    for artifact in _outputs(snapshot, executions, EXAMPLES):
        if DATASET in artifact.properties:
            return {"name": artifact.properties[DATASET], "version": str(artifact.properties.get(DATASET_VERSION, ""))}
    return None


def data(executions: Sequence[Execution]) -> dict[str, Any]:
    """What was read: dataset, version, splits, and the digest of the records; empty if the run did not come that far."""
    for execution in executions:
        if CONTENT_DIGEST in execution.properties:
            names = (DATASET, VERSION, SPLITS, CONTENT_DIGEST)
            return {name: parsed(execution.properties[name]) for name in names if name in execution.properties}
    return {}


def installed_versions(run: Run) -> dict[str, str]:
    """The packages that were installed, by name; empty if another runner ran it, or what it recorded is damaged."""
    found = parsed(run.record.get(names.VERSIONS, "{}"))
    return {name: str(version) for name, version in found.items()} if isinstance(found, dict) else {}


def settings(run: Run) -> dict[str, Any] | None:
    """The settings of a run, nested as in its configuration; None if another runner or an older version ran it."""
    found = parsed(run.record.get(names.SETTINGS, ""))
    return found if isinstance(found, dict) else None


def changes(run: Run, before: Run | None) -> dict[str, Any]:
    """The settings of a run that differ from those of another, by dotted name; empty if one of them did not record any."""
    now, then = settings(run), settings(before) if before else None
    if now is None or then is None:
        return {}
    old = flat(then)
    return {name: value for name, value in flat(now).items() if value != old.get(name)}


def training_settings(execution: Execution) -> TrainingSettings | None:
    """What a Trainer was told; None for all other components."""
    return TrainingSettings.read(str(execution.properties.get(CUSTOM_CONFIG, "")))


def search(execution: Execution) -> RecordedSearch | None:
    """What a Tuner was told; None for all other components."""
    return RecordedSearch.read(str(execution.properties.get(CUSTOM_CONFIG, "")))


def model(snapshot: Snapshot, executions: Sequence[Execution]) -> dict[str, Any] | None:
    """The settings of the model, also those that the Tuner found; None if the run did not come that far."""
    for execution in executions:
        if (told := training_settings(execution)) is None:
            continue
        settings: dict[str, Any] = {"model": told.model}
        for artifact in snapshot.linked(execution, Direction.INPUT).get(HYPERPARAMETERS, ()):
            with suppress(OSError, ValueError):
                settings = with_settings(settings, read_best_settings(fetch(artifact.uri)))
        return dict(settings["model"])
    return None


def metrics(snapshot: Snapshot, executions: Sequence[Execution]) -> Mapping[str, float] | None:
    """The means over the test split, in nats per image; None without an evaluation, or if its files are gone."""
    for artifact in _outputs(snapshot, executions, EVALUATION):
        try:
            found = read_means(fetch(artifact.uri))
        except (OSError, ValueError):
            continue
        return {name: value for name, value in sorted(found.items()) if math.isfinite(value)}
    return None


def history(snapshot: Snapshot, executions: Sequence[Execution]) -> History | None:
    """The losses of each epoch; None if no model was trained, or its files are gone."""
    for artifact in _outputs(snapshot, executions, MODEL):
        with suppress(OSError, ValueError, KeyError):
            return read_history(fetch(artifact.uri))
    return None


def blessed(snapshot: Snapshot, executions: Sequence[Execution]) -> bool | None:
    """Whether the model was blessed; None if it was not judged."""
    return next((artifact.properties.get(BLESSED) == 1 for artifact in _outputs(snapshot, executions, BLESSING)), None)


def refusal(snapshot: Snapshot, executions: Sequence[Execution]) -> str:
    """Why the model failed the check before pushing; empty if it passed, or was not checked."""
    said = (artifact.properties.get(REFUSAL) for artifact in _outputs(snapshot, executions, INFRA_BLESSING))
    return str(next(filter(None, said), ""))


def drifted(snapshot: Snapshot, executions: Sequence[Execution]) -> bool | None:
    """Whether the images have drifted from those of the champion; None if the run did not come that far."""
    verdicts = _outputs(snapshot, executions, DRIFT_VERDICT)
    return next((verdict.properties.get(DRIFTED) == 1 for verdict in verdicts), None)


def drift(snapshot: Snapshot, executions: Sequence[Execution]) -> str:
    """What has drifted, or why nothing was compared; empty if the run did not come that far."""
    return next((str(verdict.properties.get(DRIFT, "")) for verdict in _outputs(snapshot, executions, DRIFT_VERDICT)), "")


def pushed_version(snapshot: Snapshot, executions: Sequence[Execution]) -> str | None:
    """The version that the model is served as; None if it was not pushed."""
    for artifact in _outputs(snapshot, executions, PUSHED_MODEL):
        if artifact.properties.get(PUSHED) == 1:
            return str(artifact.properties.get(PUSHED_VERSION))
    return None


def _outputs(snapshot: Snapshot, executions: Sequence[Execution], type_: str) -> list[Artifact]:
    return [
        snapshot.artifacts[event.artifact_id]
        for execution in executions
        for event in snapshot.events_of_execution[execution.id]
        if event.direction is Direction.OUTPUT
        and event.artifact_id in snapshot.artifacts
        and snapshot.artifacts[event.artifact_id].type == type_
    ]


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings and lists with dotted names: `{"a": {"b": [5]}}` becomes `{"a.b.0": 5}`; short lists of values stay."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, list) and any(isinstance(part, dict | list) for part in item):
            item = {str(index): part for index, part in enumerate(item)}
        if isinstance(item, dict) and item:
            found |= flat(item, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = item
    return found
