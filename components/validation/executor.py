"""The ValidationGate's work."""

import logging
from typing import Any, Final

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components.artifacts.data_verdict import SENTENCES_FILE
from components.errors import DataError
from components.validation.sentences import describe_anomalies, describe_remedies

LOGGER_NAME: Final = "tfx_vae"


class Executor(BaseExecutor):
    """Turns anomalies into a failure, or into a warning."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks every split that ExampleValidator checked.

        Raises:
          DataError: If there is an anomaly, unless anomalies are allowed.
        """
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        verdict = artifact_utils.get_single_instance(output_dict["verdict"])
        sentences = [
            sentence
            for split in artifact_utils.decode_split_names(anomalies.split_names)
            for sentence in describe_anomalies(
                split, _read_anomalies(anomalies, split), stats_artifact_utils.load_statistics(statistics, split).proto()
            )
        ]
        if sentences and not exec_properties["allow_anomalies"]:
            raise DataError(
                "\n  ".join(["The data is not what the schema says:", *sentences]) + f"\n{describe_remedies(sentences)}"
            )
        if sentences:
            logging.getLogger(LOGGER_NAME).warning(
                "%s", "\n  ".join(["The data is not what the schema says, and data.allow_anomalies lets it pass:", *sentences])
            )
        io_utils.write_string_file(f"{verdict.uri}/{SENTENCES_FILE}", "".join(f"{line}\n" for line in sentences))


def _read_anomalies(artifact: Artifact, split: str) -> anomalies_pb2.Anomalies:
    path = f"{artifact_utils.get_split_uri([artifact], split)}/{DEFAULT_FILE_NAME}"
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
