"""Infers a schema from statistics, or takes the one that was inferred before."""

from pathlib import Path
from typing import Any, Final

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.components.schema_gen import executor
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.standard_component_specs import SCHEMA_KEY, STATISTICS_KEY
from tfx.utils import io_utils

from components import bucket
from components.artifacts.features import IMAGE, LABEL
from components.schema_gen.curated import write_inferred

CURATED_PATH: Final = "curated_path"


class Executor(executor.Executor):
    """The stock executor for the first run; what it infers is kept in a file, which later runs take."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the schema."""
        curated = Path(exec_properties[CURATED_PATH])
        path = f"{artifact_utils.get_single_uri(output_dict[SCHEMA_KEY])}/{executor.DEFAULT_FILE_NAME}"
        if not curated.is_file():
            spans = input_dict[STATISTICS_KEY]
            super().Do({**input_dict, STATISTICS_KEY: spans[:1]}, output_dict, {})
            inferred = io_utils.parse_pbtxt_file(path, schema_pb2.Schema())
            found = [
                stats_artifact_utils.load_statistics(statistics, split).proto()
                for statistics in spans
                for split in artifact_utils.decode_split_names(statistics.split_names)
            ]
            write_inferred(curated, text_format.MessageToString(tightened(inferred, found)))
            bucket.upload(curated)
        io_utils.write_string_file(path, curated.read_text(encoding="utf-8"))


def tightened(schema: schema_pb2.Schema, statistics: list[statistics_pb2.DatasetFeatureStatisticsList]) -> schema_pb2.Schema:
    """A schema in which every example has one image, and a label among those that occur if all examples have one.

    Args:
      schema: As TFDV infers it.
      statistics: Of all splits of all spans.
    """
    result = schema_pb2.Schema()
    result.CopyFrom(schema)
    for feature in result.feature:
        if feature.name == IMAGE:
            feature.CopyFrom(_one_value(IMAGE, schema_pb2.BYTES))
            # Otherwise StatisticsGen counts how often each image occurs, and keeps all of them in memory for that.
            feature.image_domain.SetInParent()
        elif feature.name == LABEL and feature.type == schema_pb2.INT:
            feature.CopyFrom(_one_value(LABEL, schema_pb2.INT))
            found = [one for every in statistics for one in every.datasets[0].features if _name(one) == LABEL]
            feature.int_domain.min = int(min(one.num_stats.min for one in found))
            feature.int_domain.max = int(max(one.num_stats.max for one in found))
            feature.int_domain.is_categorical = True
    result.dataset_constraints.min_examples_count = 1
    return result


def _one_value(name: str, type_: "schema_pb2.FeatureType") -> schema_pb2.Feature:
    feature = schema_pb2.Feature(name=name, type=type_)
    feature.presence.min_fraction = 1.0
    feature.presence.min_count = 1
    feature.shape.SetInParent()
    return feature


def _name(found: statistics_pb2.FeatureNameStatistics) -> str:
    return found.name or ".".join(found.path.step)
