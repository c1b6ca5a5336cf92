"""Which models were champions, and in which runs they were trained."""

from dataclasses import dataclass

from components.artifacts.champion import (
    BASELINE_MODEL_ID,
    BEATS_BASELINE,
    BLESSED,
    CURRENT_MODEL_ID,
    DECISION,
    JUDGED_BY,
    MODEL_ID,
    TAKEN_BACK_MODEL_ID,
    succession,
)
from components.artifacts.serving_directory import PUSHED
from tfx_vae.metadata import facts
from tfx_vae.metadata.reader import Database, Selection, read_runs, read_snapshot

_PROPERTIES = (
    BASELINE_MODEL_ID, BEATS_BASELINE, BLESSED, CURRENT_MODEL_ID, DECISION, JUDGED_BY, MODEL_ID, TAKEN_BACK_MODEL_ID, PUSHED
)  # fmt: skip


@dataclass(frozen=True)
class Champion:
    """A model that is or was the champion of its pipeline.

    Attributes:
      pipeline: The pipeline.
      model: The id of the Model.
      run: The run that trained it.
      is_current: Whether it is the champion now.
    """

    pipeline: str
    model: int
    run: str
    is_current: bool


def list_champions(database: Database) -> list[Champion]:
    """The champions of all pipelines, also those whose files are deleted; the first one of each pipeline first."""
    runs = read_runs(database)
    types = (facts.MODEL, facts.BLESSING, facts.PUSHED_MODEL)
    selection = Selection(artifact_types=types, artifact_properties=_PROPERTIES, execution_properties=())
    snapshot = read_snapshot(database, runs, selection)
    found = []
    for pipeline in dict.fromkeys(run.pipeline for run in runs.values()):
        own = [
            artifact
            for artifact in snapshot.artifacts.values()
            if (run := snapshot.run_of(artifact.id)) and run.pipeline == pipeline
        ]
        history = succession(
            {artifact.id: artifact.properties for artifact in own if artifact.type == facts.BLESSING},
            {artifact.id: artifact.properties for artifact in own if artifact.type == facts.PUSHED_MODEL},
        )
        current = history.champion(lambda _: True)
        for model in dict.fromkeys(history.models):
            if (run := snapshot.run_of(model)) is not None:
                found.append(Champion(pipeline, model, run.id, model == current))
    return found
