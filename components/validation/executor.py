"""The ValidationGate's work."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components.artifacts.data_verdict import PIXELS_FILE, SENTENCES_FILE, read_digests, write_digests
from components.artifacts.spans import PASSED
from components.errors import DataError
from components.validation.config import ValidationConfig
from components.validation.findings import Finding, Span, check_sizes, describe, find, find_between_spans
from components.validation.pixels import Survey, survey
from components.validation.sentences import describe_anomalies, describe_remedies

LOGGER_NAME: Final = "tfx_vae"


class Executor(BaseExecutor):
    """Turns anomalies and wrong pixels into a failure, or into a warning."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks every split, of each span, that ExampleValidator checked.

        Raises:
          DataError: There is an anomaly, unless anomalies are allowed; or the pixels are wrong.
          ConfigurationError: Images have several sizes, and the configuration does not say what to do about that.
        """
        spans = input_dict["examples"]
        verdict = artifact_utils.get_single_instance(output_dict["verdict"])
        sentences = [
            sentence
            for anomalies, statistics in zip(input_dict["anomalies"], input_dict["statistics"], strict=True)
            for split in artifact_utils.decode_split_names(anomalies.split_names)
            for sentence in describe_anomalies(
                _name(split, statistics, len(spans)),
                _read_anomalies(anomalies, split),
                stats_artifact_utils.load_statistics(statistics, split).proto(),
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
        surveys = [
            {_name(split, examples, len(spans)): _survey(examples, split) for split in _splits(examples)} for examples in spans
        ]
        config = ValidationConfig.model_validate_json(exec_properties["config"])
        findings = [finding for of_span in surveys for finding in find(of_span, config)]
        digests = {
            examples.id: {split: of_span[_name(split, examples, len(spans))].digests for split in _splits(examples)}
            for examples, of_span in zip(spans, surveys, strict=True)
        }
        new = [Span(examples.span, digests[examples.id]) for examples in spans]
        findings += find_between_spans(new, _known_spans(input_dict), config)
        warnings = _check_findings(findings)
        together = {name: one for span in surveys for name, one in span.items()}
        check_sizes(together, json.loads(exec_properties["image_shape"]), json.loads(exec_properties["fit"]))
        io_utils.write_string_file(f"{verdict.uri}/{PIXELS_FILE}", describe(together, warnings).model_dump_json(indent=2))
        io_utils.write_string_file(f"{verdict.uri}/{SENTENCES_FILE}", "".join(f"{line}\n" for line in sentences))
        write_digests(verdict.uri, digests)
        verdict.set_string_custom_property(PASSED, json.dumps([examples.id for examples in spans]))


def _name(split: str, artifact: Artifact, spans: int) -> str:
    """What messages call a split."""
    return split if spans == 1 else f"{split} of span {artifact.span}"


def _splits(examples: Artifact) -> list[str]:
    return list(artifact_utils.decode_split_names(examples.split_names))


def _known_spans(input_dict: Mapping[str, list[Artifact]]) -> list[Span]:
    """The spans of the window that earlier runs let pass; those of older versions are looked at again."""
    recorded = {
        examples: digests
        for verdict in input_dict.get("known_verdicts", [])
        for examples, digests in read_digests(verdict.uri).items()
    }
    return [
        Span(one.span, recorded.get(one.id) or {split: _survey(one, split).digests for split in _splits(one)})
        for one in input_dict.get("known_examples", [])
    ]


def _survey(examples: Artifact, split: str) -> Survey:
    return survey(sorted(fileio.glob(f"{artifact_utils.get_split_uri([examples], split)}/*")))


def _check_findings(findings: Sequence[Finding]) -> list[str]:
    """Stops, or warns, and returns the warnings."""
    stopping = [finding for finding in findings if finding.stops]
    if stopping:
        lines = ["The images are not as they should be:", *(finding.sentence for finding in stopping)]
        settings = sorted({f"--set {finding.setting}" for finding in stopping if finding.setting})
        remedy = f"Fix the data, or continue anyway with {' '.join(settings)}." if settings else "Fix the data."
        raise DataError("\n  ".join(lines) + f"\n{remedy}")
    warnings = [finding.sentence for finding in findings]
    if warnings:
        logging.getLogger(LOGGER_NAME).warning("%s", "\n  ".join(["About the images:", *warnings]))
    return warnings


def _read_anomalies(artifact: Artifact, split: str) -> anomalies_pb2.Anomalies:
    path = f"{artifact_utils.get_split_uri([artifact], split)}/{DEFAULT_FILE_NAME}"
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
