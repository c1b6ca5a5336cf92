"""The DriftGate's work."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import path_utils

from components.artifacts.drift import DRIFT, DRIFTED, DriftSummary, write_summary
from components.artifacts.drift_verdict import DriftArrays, write_arrays
from components.artifacts.features import TEST
from components.artifacts.files import readable, writable
from components.artifacts.loaded_model import LoadedModel
from components.drift.comparison import compare, explain
from components.drift.config import DriftConfig
from components.drift.sample import decode_with, take_sample
from components.errors import DataError
from components.settings import Action

EXAMPLES: Final = "examples"
CHAMPION: Final = "champion"
KNOWN_EXAMPLES: Final = "known_examples"
CONFIG: Final = "config"
VERDICT: Final = "verdict"

_NO_CHAMPION: Final = "there is no champion that was trained on other images"

_LOGGER = logging.getLogger("tfx_vae.drift")


class Executor(BaseExecutor):
    """Turns drift into a failure, or into a warning."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Compares the test splits.

        Raises:
          DataError: The images have drifted, and the configuration says that this stops the run.
          PipelineError: The champion cannot be loaded.
        """
        config = DriftConfig.model_validate_json(exec_properties[CONFIG], strict=True)
        verdict = artifact_utils.get_single_instance(output_dict[VERDICT])
        known = input_dict.get(KNOWN_EXAMPLES, [])
        new = [one for one in input_dict[EXAMPLES] if one.id not in {other.id for other in known}]
        with writable(verdict.uri) as directory:
            if champion := input_dict.get(CHAMPION):
                summary = _compare(champion[0], _test_files(known), _test_files(new), config, directory)
            else:
                summary = DriftSummary(reason=_NO_CHAMPION)
            write_summary(directory, summary)
        verdict.set_int_custom_property(DRIFTED, int(summary.drifted))
        verdict.set_string_custom_property(DRIFT, summary.sentence())


def _compare(
    champion: Artifact, known_files: Sequence[str], new_files: Sequence[str], config: DriftConfig, directory: Path
) -> DriftSummary:
    """Compares, and stops or warns."""
    with readable(path_utils.serving_model_path(champion.uri)) as saved_model:
        model = LoadedModel(saved_model)
        known, new = (take_sample(files, config.images, model) for files in (known_files, new_files))
        if known is None or new is None:
            return DriftSummary(reason=f"there is no test image among {'the new ones' if known else 'those of the champion'}")
        write_arrays(
            directory,
            DriftArrays(known.scores.astype(np.float32), new.scores.astype(np.float32), *decode_with(model, new.strangest)),
        )
    level, measures = compare(known, new, config)
    if sentences := list(explain(known, new, measures)):
        lines = "\n  ".join(
            [f"The new images differ from those that the champion (model {champion.id}) was trained on:", *sentences]
        )
        if config.action is Action.STOP:
            raise DataError(f"{lines}\nLook at the new images; if they are what the model should learn, set drift.action=warn.")
        _LOGGER.warning("%s", lines)
    return DriftSummary(
        champion=champion.id,
        known_images=len(known),
        new_images=len(new),
        level=level,
        measures=measures,
        known_labels=known.labels,
        new_labels=new.labels,
    )


def _test_files(examples: Sequence[Artifact]) -> list[str]:
    return [
        file for artifact in examples for file in sorted(fileio.glob(f"{artifact_utils.get_split_uri([artifact], TEST)}/*"))
    ]
